import { type AxisScale, formatQuantity, linearScale } from "./axis-scale.ts";
import { type ChartTexts, chartSvg, drawLegend, point, seriesColorCount } from "./chart-frame.ts";
import { escapeHtml } from "./html-text.ts";

/** A bar, and what it is made of. */
export interface StackedBar {
  readonly label: string;
  /** One for each name of {@link StackedBars.parts}. */
  readonly values: readonly number[];
}

/** Bars side by side, each the sum of parts. */
export interface StackedBars extends ChartTexts {
  readonly unit: string;
  readonly parts: readonly string[];
  readonly bars: readonly StackedBar[];
}

const width = 760;
const left = 110;
const plotWidth = 630;
const barHeight = 22;
const rowHeight = 32;
const legendColumns = 4;

/** Draws one horizontal bar for each row. */
export function renderStackedBars(chart: StackedBars): string {
  const { parts, bars, unit } = chart;
  const sums = bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const scale = linearScale(Math.max(1, ...sums));
  const bottom = 8 + bars.length * rowHeight;
  const legendTop = bottom + 50;
  const drawing = [
    ...scale.ticks.map(({ fraction, label }) => {
      const at = point(left + fraction * plotWidth);
      return `<path class="grid" d="M${at} 8V${bottom}"/><text x="${at}" y="${bottom + 16}" text-anchor="middle">${escapeHtml(label)}</text>`;
    }),
    `<text class="axis" x="${left + plotWidth / 2}" y="${bottom + 34}" text-anchor="middle">${escapeHtml(unit)}</text>`,
    ...bars.map((bar, i) => drawBar(bar, 8 + i * rowHeight + (rowHeight - barHeight) / 2, chart, scale)),
    drawLegend(parts, {
      left: 8,
      top: legendTop,
      columnWidth: (width - 16) / legendColumns,
      columns: legendColumns,
    }),
  ].join("\n");
  return chartSvg(chart, width, legendTop + Math.ceil(parts.length / legendColumns) * 18, drawing);
}

function drawBar(
  { label, values }: StackedBar,
  top: number,
  { parts, unit }: StackedBars,
  scale: AxisScale,
): string {
  let before = 0;
  const pieces = values.map((value, part) => {
    const from = left + scale.fractionOf(before) * plotWidth;
    before += value;
    const length = scale.fractionOf(value) * plotWidth;
    if (length < 0.1) return "";
    const text = `${label}: ${parts[part] ?? ""} ${formatQuantity(value)} ${unit}`;
    return `<rect class="fill-${part % seriesColorCount}" x="${point(from)}" y="${top}" width="${point(length)}" height="${barHeight}"><title>${escapeHtml(text)}</title></rect>`;
  });
  const name = `<text x="${left - 8}" y="${top + barHeight / 2}" dy="0.32em" text-anchor="end">${escapeHtml(label)}</text>`;
  return [name, ...pieces].filter((piece) => piece !== "").join("\n");
}
