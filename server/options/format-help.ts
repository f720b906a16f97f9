import { backendConfigKeys } from "./backend-config.ts";
import { describeDefault, type OptionDefinition, optionGroups } from "./option-definition.ts";
import { actionOptions, environmentVariables, optionFields, optionTable } from "./option-table.ts";
import { subCommandNames, subCommands } from "./sub-commands.ts";
import { metricsConfigKeys } from "./metrics-config-value.ts";
import { traceConfigKeys } from "./trace-config-value.ts";

const indent = "      ";
/** Fits a terminal of eighty columns. */
const lineWidth = 80;

/** The text of `--help`: every option in its group, with its default and unit. Ends with a newline. */
export function formatHelp(): string {
  const sections = [
    "Usage: nereid --model-repository <path> [options]\n\n" +
      "Options are written --flag value or --flag=value; a boolean is true, on, 1,\n" +
      "false, off or 0. Of an option given twice the last value counts, unless it is\n" +
      "repeatable.",
    `Commands, in place of options:\n${subCommandNames
      .map((name) => `${indentedUsage(subCommands[name].usage)}\n${wrap(subCommands[name].doc)}`)
      .join("\n")}`,
    Object.values(actionOptions)
      .map(({ flag, doc }) => `  ${flag}\n${wrap(doc)}`)
      .join("\n"),
  ];
  for (const group of optionGroups) {
    const entries = optionFields
      .filter((field) => optionTable[field].group === group)
      .map((field) => formatOption(optionTable[field]));
    sections.push(`${group}:\n${entries.join("\n")}`);
  }
  const settings = backendConfigKeys.map(({ backend, key, doc }) => {
    return `  ${backend === null ? "" : `${backend},`}${key}=<int>\n${wrap(plain(doc))}`;
  });
  sections.push(`Settings for --backend-config:\n${settings.join("\n")}`);
  const traceSettings = traceConfigKeys.map(({ mode, key, doc }) => {
    return `  ${mode === null ? "" : `${mode},`}${key}=<value>\n${wrap(plain(doc))}`;
  });
  sections.push(`Settings for --trace-config:\n${traceSettings.join("\n")}`);
  const metricsSettings = metricsConfigKeys.map(({ key, doc }) => `  ${key}=<value>\n${wrap(plain(doc))}`);
  sections.push(`Settings for --metrics-config:\n${metricsSettings.join("\n")}`);
  const variables = Object.values(environmentVariables).map(({ name, doc, defaultValue }) => {
    const kind = { boolean: "bool", number: "int", string: "text" }[typeof defaultValue as "boolean"];
    const shown = defaultValue === "" ? "none" : defaultValue;
    return `  ${name}=<${kind}>\n${wrap(plain(`${doc} Default: ${shown}.`))}`;
  });
  sections.push(`Environment:\n${variables.join("\n")}`);
  return `${sections.join("\n\n")}\n`;
}

/** A usage may be longer than a line. */
function indentedUsage(usage: string): string {
  return `  ${wrap(`nereid ${usage}`).trimStart()}`;
}

function formatOption(option: OptionDefinition<unknown>): string {
  const flags = [option.flag, ...(option.aliases ?? [])].join(", ");
  const { placeholder, isRepeatable } = option.value;
  const unit = option.unit === undefined ? "" : ` ${option.unit}`;
  const notes = [`Default: ${describeDefault(option)}${unit}.`];
  if (isRepeatable) notes.push("Repeatable.");
  return `  ${flags}${placeholder === null ? "" : ` ${placeholder}`}\n${wrap(`${plain(option.doc)} ${notes.join(" ")}`)}`;
}

/** The documentation marks literal text with backticks, which a terminal does not show. */
function plain(markdown: string): string {
  return markdown.replaceAll("`", "");
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
