import type { SearchValues } from "./search-space.ts";
import type { TuneRequest } from "./tune-request.ts";
import type { TuneSubject } from "./tune-subject.ts";

/** More instances than this need more memory than a default should take. */
const maxInstances = 16;
const maxBatch = 128;
/** From none to what is noticed by people. */
const defaultDelaysUs = [0, 100, 500, 1_000, 2_000, 5_000] as const;

/**
 * The values that a search chooses from: those asked for, else powers of two as far as they make sense on this machine and
 * under this load. The current ones are always among them.
 */
export function searchValues(subject: TuneSubject, request: TuneRequest, coreCount: number): SearchValues {
  const { current, obstacles } = subject;
  const { values, concurrencies, rowsPerRequest } = request;
  const { threadCount, queueDelayUs } = current;
  const outstandingRows = Math.max(...concurrencies) * rowsPerRequest;
  return {
    instanceCounts:
      obstacles.instanceCount !== null
        ? [current.instanceCount]
        : ascending([
            current.instanceCount,
            ...(values.instanceCounts ?? powersOfTwo(1, Math.min(maxInstances, 2 * coreCount))),
          ]),
    threadCounts:
      threadCount === null
        ? [null]
        : ascending([threadCount, ...(values.threadCounts ?? [...powersOfTwo(1, coreCount), coreCount])]),
    maxBatchSizes:
      obstacles.maxBatchSize !== null
        ? [current.maxBatchSize]
        : ascending([
            current.maxBatchSize,
            // A batch cannot hold more than is outstanding.
            ...(values.maxBatchSizes ?? powersOfTwo(1, Math.min(maxBatch, 2 * outstandingRows - 1))),
          ]).filter((size) => size >= rowsPerRequest),
    queueDelaysUs:
      obstacles.queueDelayUs !== null
        ? [null]
        : ascending([
            ...(queueDelayUs === null ? [] : [queueDelayUs]),
            ...(values.queueDelaysUs ?? defaultDelaysUs),
          ]),
  };
}

function powersOfTwo(min: number, max: number): readonly number[] {
  const powers: number[] = [];
  for (let power = min; power <= max; power *= 2) powers.push(power);
  return powers;
}

function ascending(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
