import type { ModelDescription } from "../client-backend/model-description.ts";
import { PerfError } from "../exit-code.ts";
import type { DataEntry, EntryTensor, InferData } from "./infer-data.ts";
import type { RequestInput } from "./request-input.ts";

/** The bytes that an output of a request should have. */
export interface ExpectedOutput {
  readonly name: string;
  readonly data: Uint8Array;
}

/** One kind of request: what is encoded once and sent many times. */
export interface RequestContent {
  readonly inputs: readonly RequestInput[];
  /** `null`: nobody said what is right. */
  readonly expected: readonly ExpectedOutput[] | null;
}

/** All requests of a run, and in which order they come. */
export interface RequestPlan {
  readonly contents: readonly RequestContent[];
  /** Indices into {@link contents}: one list per stream. */
  readonly streams: readonly (readonly number[])[];
}

/**
 * Joins entries to requests of `batchSize` rows: request r of a stream takes the rows from r × batchSize, and the
 * stream begins again at its end. Without state all streams are one.
 *
 * @throws PerfError when the model cannot take such batches, or the rows of one batch differ in shape.
 */
export function planRequests(data: InferData, model: ModelDescription, batchSize: number): RequestPlan {
  if (batchSize > Math.max(1, model.maxBatchSize)) {
    throw new PerfError(
      model.maxBatchSize === 0
        ? `-b ${batchSize}: model "${model.name}" does not batch; give -b 1`
        : `-b ${batchSize}: model "${model.name}" takes at most ${model.maxBatchSize} rows`,
    );
  }
  const contents: RequestContent[] = [];
  const sources = model.hasSequenceBatching ? data : [data.flat()];
  const streams = sources.map((entries) => {
    const requestCount = model.hasSequenceBatching
      ? entries.length
      : entries.length / divisor(entries.length, batchSize);
    return Array.from({ length: requestCount }, (_, r) => {
      const first = model.hasSequenceBatching ? r : r * batchSize;
      const rows = Array.from({ length: batchSize }, (_row, i) => entries[(first + i) % entries.length]);
      contents.push(
        joinRows(
          rows.filter((row) => row !== undefined),
          model,
        ),
      );
      return contents.length - 1;
    });
  });
  return { contents, streams };
}

/** The greatest common divisor. */
function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

function joinRows(rows: readonly DataEntry[], model: ModelDescription): RequestContent {
  const [first] = rows;
  const inputs = model.inputs.flatMap(({ name, datatype }) => {
    const tensors = rows.map((row) => row.inputs.get(name));
    const shape = tensors[0]?.shape;
    if (shape === undefined) return [];
    const isAlike = (tensor: EntryTensor | undefined): tensor is EntryTensor =>
      tensor?.shape.join() === shape.join();
    if (!tensors.every(isAlike)) {
      throw new PerfError(
        `Rows of one batch need the same shape: input "${name}" of the data has several; give -b 1`,
      );
    }
    const batched = model.maxBatchSize > 0 ? [rows.length, ...shape] : shape;
    return [{ name, datatype, shape: batched, data: Buffer.concat(tensors.map(({ data }) => data)) }];
  });
  const expected =
    first?.expected == null
      ? null
      : [...first.expected.keys()].map((name) => ({
          name,
          data: Buffer.concat(rows.map((row) => row.expected?.get(name)?.data ?? new Uint8Array(0))),
        }));
  return { inputs, expected };
}
