import { readFileSync } from "node:fs";
import { PerfError } from "../exit-code.ts";

/** Reads the file of `--request-intervals`. @throws PerfError with the file and the line. */
export function readRequestIntervals(file: string): readonly number[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    throw new PerfError(`Cannot read --request-intervals ${file}: ${PerfError.from(thrown).message}`);
  }
  const intervals = text.split("\n").flatMap((line, i) => {
    const value = line.trim();
    if (value === "") return [];
    if (!/^\d+$/.test(value)) {
      throw new PerfError(
        `${file}:${i + 1}: expects an interval in whole microseconds, got ${JSON.stringify(value)}`,
      );
    }
    return [Number(value)];
  });
  if (!intervals.some((interval) => interval > 0)) {
    throw new PerfError(`${file}: expects at least one interval above 0 µs, one a line`);
  }
  return intervals;
}
