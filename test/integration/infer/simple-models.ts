import path from "node:path";
import type { WireTensor } from "../../helpers/binary-infer.ts";

/** The sample models that the server comes with. */
export const sampleRepository = path.resolve(import.meta.dirname, "../../../../model_repository");

/** Values of INPUT0 of `simple`. */
export const first: readonly number[] = Array.from({ length: 16 }, (_, index) => index * 1_000 - 3);
/** Values of INPUT1 of `simple`. */
export const second: readonly number[] = Array.from({ length: 16 }, (_, index) => index + 1);
/** What OUTPUT0 of `simple` must be for them. */
export const sums: readonly number[] = first.map((value, index) => value + second[index]!);
/** What OUTPUT1 of `simple` must be for them. */
export const differences: readonly number[] = first.map((value, index) => value - second[index]!);

/** One row of INT32 as the protocol carries it. */
export function int32Tensor(name: string, values: readonly number[]): WireTensor {
  const data = new Uint8Array(Int32Array.from(values).buffer);
  return { name, datatype: "INT32", shape: [1, values.length], data };
}

/** An input of a JSON request. */
export type JsonInput = Record<string, unknown>;

/** One row of INT32 as an input of a JSON request. @param changes - Members to add or replace. */
export function int32Json(name: string, values: readonly number[], changes: JsonInput = {}): JsonInput {
  return { name, datatype: "INT32", shape: [1, values.length], data: values, ...changes };
}

/** A good JSON request for `simple`. @param changes - Members to add or replace. */
export function simpleRequest(changes: object = {}): object {
  return { inputs: [int32Json("INPUT0", first), int32Json("INPUT1", second)], ...changes };
}
