import type { AxisScale } from "./axis-scale.ts";
import { escapeHtml } from "./html-text.ts";

/** What every chart says of itself. */
export interface ChartTexts {
  /** Of one page, different for each chart. Letters and hyphens. */
  readonly id: string;
  readonly title: string;
  /** What is to be seen, for those who do not see it. Sentences. */
  readonly description: string;
}

/** An axis and what it measures. */
export interface ChartAxis {
  readonly label: string;
  readonly scale: AxisScale;
}

/** The area of a chart that values are drawn in, in units of its SVG. */
export interface PlotArea {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Colours of a page; a chart with more series uses them again, with other dashes. */
export const seriesColorCount = 7;

/** Wraps the drawing of a chart into an SVG with its texts. */
export function chartSvg(texts: ChartTexts, width: number, height: number, drawing: string): string {
  const { id, title, description } = texts;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc" xmlns="http://www.w3.org/2000/svg">
<title id="${id}-title">${escapeHtml(title)}</title>
<desc id="${id}-desc">${escapeHtml(description)}</desc>
${drawing}
</svg>`;
}

/** The grid, the marks and the names of both axes. */
export function drawAxes(area: PlotArea, x: ChartAxis, y: ChartAxis): string {
  const bottom = area.top + area.height;
  const right = area.left + area.width;
  const lines = [
    ...y.scale.ticks.map(({ fraction, label }) => {
      const at = point(bottom - fraction * area.height);
      return `<path class="grid" d="M${area.left} ${at}H${right}"/><text x="${area.left - 8}" y="${at}" dy="0.32em" text-anchor="end">${escapeHtml(label)}</text>`;
    }),
    ...x.scale.ticks.map(({ fraction, label }) => {
      const at = point(area.left + fraction * area.width);
      return `<path class="grid" d="M${at} ${area.top}V${bottom}"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${escapeHtml(label)}</text>`;
    }),
    `<text class="axis" x="${point(area.left + area.width / 2)}" y="${bottom + 38}" text-anchor="middle">${escapeHtml(x.label)}</text>`,
    `<text class="axis" transform="translate(16 ${point(area.top + area.height / 2)}) rotate(-90)" text-anchor="middle">${escapeHtml(y.label)}</text>`,
  ];
  return lines.join("\n");
}

/** The colours, and for lines the dashes, of series by their names, in rows below a chart. */
export function drawLegend(
  labels: readonly string[],
  place: {
    readonly left: number;
    readonly top: number;
    readonly columnWidth: number;
    readonly columns: number;
  },
): string {
  return labels
    .map((label, i) => {
      const x = place.left + (i % place.columns) * place.columnWidth;
      const y = place.top + Math.floor(i / place.columns) * 18;
      return `<rect class="fill-${i % seriesColorCount}" x="${x}" y="${y}" width="12" height="12" rx="2"/><text x="${x + 18}" y="${y + 10}">${escapeHtml(label)}</text>`;
    })
    .join("\n");
}

/** A coordinate with as many digits as can be seen. */
export function point(value: number): number {
  return Number(value.toFixed(1));
}
