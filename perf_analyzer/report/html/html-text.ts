const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** XML, which SVG is, knows no way to write these. */
const unwritable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

/** A text as it is written between tags, or between the quotes of an attribute. */
export function escapeHtml(text: string): string {
  // A lone half of a surrogate pair cannot be written as UTF-8 either.
  return Buffer.from(text, "utf8")
    .toString("utf8")
    .replace(unwritable, "\ufffd")
    .replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
