import { escapeHtml } from "./html-text.ts";

/** A page that needs nothing but itself. */
export interface Page {
  readonly title: string;
  /** What was measured, and how: names with values. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly sections: readonly PageSection[];
}

/** A part of a page under a heading. */
export interface PageSection {
  readonly heading: string;
  /** A sentence that says how to read it. */
  readonly text: string;
  /** HTML, made by this folder's functions. */
  readonly content: readonly string[];
}

/**
 * Colours by their roles. Both sets keep a contrast of at least 4.5 to 1 for texts and 3 to 1 for what is drawn, and stay
 * apart for people who do not tell red from green: they follow the palette of Okabe and Ito.
 */
const style = `
:root { color-scheme: light dark; --page: #fff; --text: #1b1f24; --soft: #57606a; --rule: #d0d7de;
  --c0: #0072b2; --c1: #b45309; --c2: #00785a; --c3: #a8467f; --c4: #6b5d00; --c5: #7b3fb5; --c6: #57606a; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171a; --text: #e6e8ea; --soft: #a3acb5; --rule: #3a4149;
    --c0: #56b4e9; --c1: #e69f00; --c2: #2bb894; --c3: #e08abb; --c4: #f0e442; --c5: #b794f4; --c6: #a3acb5; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; margin: 1rem 0; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } svg text.axis { fill: var(--text); }
.grid { stroke: var(--rule); stroke-width: 1; fill: none; } .line { fill: none; stroke-width: 2; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
caption { text-align: left; color: var(--soft); padding-bottom: 0.3rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; } pre { overflow-x: auto; border: 1px solid var(--rule); padding: 0.8rem; }
${Array.from({ length: 7 }, (_, i) => `.fill-${i} { fill: var(--c${i}); } .line-${i} { stroke: var(--c${i}); }`).join("\n")}
@media print { body { max-width: none; } .scroll { overflow: visible; } }
`;

/** The whole page. Loads nothing: the policy in its head forbids it. Ends with a newline. */
export function renderPage({ title, facts, sections }: Page): string {
  const list = facts
    .map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`)
    .join("\n");
  const parts = sections.map(
    ({ heading, text, content }) => `<section>
<h2>${escapeHtml(heading)}</h2>
<p>${escapeHtml(text)}</p>
${content.join("\n")}
</section>`,
  );
  return `<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<dl>
${list}
</dl>
${parts.join("\n")}
</main>
</body>
</html>
`;
}
