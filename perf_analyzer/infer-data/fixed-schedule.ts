import { PerfError } from "../exit-code.ts";
import type { InferData } from "./infer-data.ts";

/**
 * The send times of `--fixed-schedule`, in µs after the start: one for each entry, in order.
 *
 * @throws PerfError when an entry has no time, or one before its predecessor's, or the data are several sequences.
 */
export function fixedSchedule(data: InferData, hasSequences: boolean): readonly number[] {
  if (hasSequences && data.length > 1) {
    throw new PerfError(
      '--fixed-schedule needs one sequence: "data" must be an array of entries, not of arrays',
    );
  }
  const entries = data.flat();
  return entries.map(({ timestampMs }, i) => {
    if (timestampMs === null) {
      throw new PerfError(
        `--fixed-schedule: entry ${i} of --input-data has no "timestamp", the milliseconds after the start when it is sent`,
      );
    }
    const previousMs = entries[i - 1]?.timestampMs ?? 0;
    if (timestampMs < previousMs) {
      throw new PerfError(
        `--fixed-schedule: entry ${i} of --input-data is to be sent at ${timestampMs} ms, before the one ahead of it at ${previousMs} ms: sort the entries`,
      );
    }
    return timestampMs * 1e3;
  });
}
