/** A mark on an axis. */
export interface AxisTick {
  /** Where it is: 0 at the beginning of the axis, 1 at its end. */
  readonly fraction: number;
  readonly label: string;
}

/** How values are laid out along an axis. */
export interface AxisScale {
  readonly ticks: readonly AxisTick[];
  /** @returns 0 at the beginning of the axis, 1 at its end. */
  fractionOf(value: number): number;
}

/** Marks that an axis has about. */
const wantedTickCount = 5;

/** Values from 0 to `max` or a little more, evenly spread. */
export function linearScale(max: number): AxisScale {
  // Where all values are 0, any axis will do.
  const step = roundStep((max > 0 ? max : 1) / wantedTickCount);
  const count = Math.max(1, Math.ceil(max / step - 1e-9));
  const end = step * count;
  return {
    ticks: Array.from({ length: count + 1 }, (_, i) => ({
      fraction: i / count,
      label: formatQuantity(i * step),
    })),
    fractionOf: (value) => value / end,
  };
}

/** Values from `min` to `max`, both above 0, each power of ten as long as the other. */
export function logarithmicScale(min: number, max: number): AxisScale {
  const first = Math.floor(Math.log10(min) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(max) - 1e-9));
  const fractionOf = (value: number): number =>
    (Math.log10(Math.max(value, 10 ** first)) - first) / (last - first);
  const decades = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  // Two decades have room for the marks in between.
  const factors = last - first <= 2 ? [1, 2, 5] : [1];
  const values = decades
    .flatMap((decade) => factors.map((factor) => decade * factor))
    .filter((value) => value <= 10 ** last);
  return {
    ticks: values.map((value) => ({ fraction: fractionOf(value), label: formatQuantity(value) })),
    fractionOf,
  };
}

/** Percentiles the way tails are looked at: 90, 99 and 99.9 are equally far apart. */
export function tailScale(requestCount: number): AxisScale {
  const marks = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999];
  // Beyond one request in all of them there is nothing to see.
  const nines = Math.max(2, Math.min(6, Math.ceil(Math.log10(Math.max(1, requestCount)))));
  const fractionOf = (percentile: number): number =>
    Math.min(1, -Math.log10(Math.max(1 - percentile / 100, 10 ** -nines)) / nines);
  return {
    ticks: marks
      .filter((percentile) => percentile <= 100 - 10 ** (2 - nines) + 1e-9)
      .map((percentile) => ({ fraction: fractionOf(percentile), label: `p${percentile}` })),
    fractionOf,
  };
}

/** The next of 1, 2, 5, 10, 20 … that is not below. */
function roundStep(raw: number): number {
  const decade = 10 ** Math.floor(Math.log10(raw));
  const factor = [1, 2, 5].find((candidate) => candidate * decade >= raw * (1 - 1e-9)) ?? 10;
  return factor * decade;
}

/** A number for people, with three digits that count: 1,250 or 0.25 or 3.1. */
export function formatQuantity(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toFixed(Math.min(20, digits))).toLocaleString("en-US", { maximumFractionDigits: 20 });
}
