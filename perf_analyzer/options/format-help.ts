import { describeDefault, type OptionDefinition, optionGroups } from "./option-definition.ts";
import { optionFields, optionTable } from "./option-table.ts";

const indent = "      ";
/** Fits a terminal of eighty columns. */
const lineWidth = 80;

/** The line that a wrong command line is answered with. */
export const usageLine = "Usage: perf_analyzer -m <model> [options]";

/** The text of `--help`: every option in its group, with its default. Ends with a newline. */
export function formatHelp(): string {
  const sections = [
    `${usageLine}\n\nOptions are written --flag value or --flag=value, the short ones -f value or -fvalue.`,
    `  -h, -?, --help\n${indent}Print this list and exit.\n  --version\n${indent}Print the version and exit.`,
  ];
  for (const group of optionGroups) {
    const entries = optionFields
      .filter((field) => optionTable[field].group === group)
      .map((field) => formatOption(optionTable[field]));
    sections.push(`${group}:\n${entries.join("\n")}`);
  }
  return `${sections.join("\n\n")}\n`;
}

function formatOption(option: OptionDefinition<unknown>): string {
  const flags = [option.flag, ...(option.aliases ?? [])].join(", ");
  const { placeholder } = option.value;
  const text = `${option.doc.replaceAll("`", "")} Default: ${describeDefault(option)}.`;
  return `  ${flags}${placeholder === null ? "" : ` ${placeholder}`}\n${wrap(text)}`;
}

function wrap(text: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length > indent.length && line.length + word.length > lineWidth) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  lines.push(line.trimEnd());
  return lines.join("\n");
}
