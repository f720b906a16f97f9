import { escapeHtml } from "./html-text.ts";

/** A table of a page. */
export interface DataTable {
  readonly caption: string;
  readonly headers: readonly string[];
  /** As many cells as headers; the first names the row. */
  readonly rows: readonly (readonly string[])[];
}

/** The table as HTML. Rows and columns have headers that screen readers name. */
export function renderTable({ caption, headers, rows }: DataTable): string {
  const head = headers.map((header) => `<th scope="col">${escapeHtml(header)}</th>`).join("");
  const body = rows
    .map((cells) => {
      const [name = "", ...others] = cells;
      const data = others.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("");
      return `<tr><th scope="row">${escapeHtml(name)}</th>${data}</tr>`;
    })
    .join("\n");
  // The wrapper scrolls, not the page; it can be reached with the keyboard.
  return `<div class="scroll" role="region" aria-label="${escapeHtml(caption)}" tabindex="0">
<table>
<caption>${escapeHtml(caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}
</tbody>
</table>
</div>`;
}
