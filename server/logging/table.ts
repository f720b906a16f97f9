import { escapeControlCharacters } from "./log-escape.ts";

/** Wide enough for a path or a reason, narrow enough for three such columns on a screen. */
const defaultMaxColumnWidth = 60;

/**
 * A table with a box around it, for the log at start-up. Ends with a newline.
 *
 * ```
 * +--------+---------+--------+
 * | Model  | Version | Status |
 * +--------+---------+--------+
 * | simple | 1       | READY  |
 * +--------+---------+--------+
 * ```
 *
 * @param headers - One per column.
 * @param rows - One text per column; missing ones are empty. Line breaks begin a new line in the cell, texts wider
 * than `maxColumnWidth` are wrapped, other control characters are escaped. Widths count characters (code points).
 */
export function renderTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  maxColumnWidth: number = defaultMaxColumnWidth,
): string {
  const cellLines = (row: readonly string[]): string[][] =>
    headers.map((_, column) => wrapCell(row[column] ?? "", maxColumnWidth));
  const head = cellLines(headers);
  const body = rows.map(cellLines);
  const widths = headers.map((_, column) => {
    const lines = [head, ...body].flatMap((row) => row[column] ?? []);
    return Math.max(...lines.map(characterCount));
  });
  const border = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+`;
  const parts = [
    border,
    ...renderRow(head, widths),
    border,
    ...body.flatMap((row) => renderRow(row, widths)),
  ];
  if (body.length > 0) parts.push(border);
  return `${parts.join("\n")}\n`;
}

/** The lines of one row: as many as its tallest cell has. */
function renderRow(cells: readonly (readonly string[])[], widths: readonly number[]): string[] {
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) => {
    const texts = widths.map((width, column) => {
      const text = cells[column]?.[line] ?? "";
      return ` ${text}${" ".repeat(width - characterCount(text))} `;
    });
    return `|${texts.join("|")}|`;
  });
}

/** Splits at line breaks, then at the last space that fits, and inside a word only when there is none. */
function wrapCell(text: string, maxWidth: number): string[] {
  return text.split(/\r?\n/).flatMap((paragraph) => {
    const lines: string[] = [];
    let rest = Array.from(escapeControlCharacters(paragraph));
    while (rest.length > maxWidth) {
      const space = rest.lastIndexOf(" ", maxWidth);
      const end = space > 0 ? space : maxWidth;
      lines.push(rest.slice(0, end).join(""));
      rest = rest.slice(space > 0 ? end + 1 : end);
    }
    lines.push(rest.join(""));
    return lines;
  });
}

function characterCount(text: string): number {
  return Array.from(text).length;
}
