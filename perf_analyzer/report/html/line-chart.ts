import {
  type ChartAxis,
  type ChartTexts,
  chartSvg,
  drawAxes,
  drawLegend,
  type PlotArea,
  point,
  seriesColorCount,
} from "./chart-frame.ts";
import { escapeHtml } from "./html-text.ts";

/** A value of a chart. */
export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** What the pointer shows; "" for a point of a smooth line, which is not marked. */
  readonly label: string;
}

/** Values that belong together. */
export interface ChartSeries {
  readonly label: string;
  readonly points: readonly ChartPoint[];
}

/** A chart of values by other values. */
export interface LineChart extends ChartTexts {
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly series: readonly ChartSeries[];
  /** Whether the points of a series are joined. */
  readonly isJoined: boolean;
}

const width = 760;
const area: PlotArea = { left: 76, top: 16, width: 664, height: 300 };
const legendColumns = 3;
/** So that lines of one colour can be told apart, and all of them without colours. */
const dashes = ["", "7 4", "2 4", "10 4 2 4"] as const;

/** Draws lines, or points. */
export function renderLineChart(chart: LineChart): string {
  const { x, y, series, isJoined } = chart;
  const placeOf = ({ x: valueX, y: valueY }: ChartPoint): readonly [number, number] => [
    point(area.left + x.scale.fractionOf(valueX) * area.width),
    point(area.top + (1 - y.scale.fractionOf(valueY)) * area.height),
  ];
  const drawn = series.map(({ points }, i) => {
    const color = i % seriesColorCount;
    const dash = dashes[i % dashes.length] ?? "";
    const places = points.map(placeOf);
    const line = isJoined
      ? `<path class="line line-${color}"${dash === "" ? "" : ` stroke-dasharray="${dash}"`} d="M${places.map((place) => place.join(" ")).join("L")}"/>`
      : "";
    const marks = points.map(({ label }, j) => {
      const [markX, markY] = places[j] ?? [0, 0];
      if (label === "") return "";
      return `<circle class="fill-${color}" cx="${markX}" cy="${markY}" r="4"><title>${escapeHtml(label)}</title></circle>`;
    });
    return [line, ...marks].filter((each) => each !== "").join("\n");
  });
  const legendTop = area.top + area.height + 54;
  const legendRows = series.length > 1 ? Math.ceil(series.length / legendColumns) : 0;
  const legend =
    legendRows === 0
      ? ""
      : drawLegend(
          series.map(({ label }) => label),
          {
            left: area.left,
            top: legendTop,
            columnWidth: area.width / legendColumns,
            columns: legendColumns,
          },
        );
  const drawing = [drawAxes(area, x, y), ...drawn, legend].filter((each) => each !== "").join("\n");
  return chartSvg(chart, width, legendTop + legendRows * 18, drawing);
}
