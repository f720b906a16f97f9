import type { Initializer } from "./build-model.ts";
import { bytesOf } from "./random-weights.ts";

/** A row of INT64 values. */
export function int64(name: string, ...values: number[]): Initializer {
  return {
    name,
    datatype: "INT64",
    shape: [values.length],
    data: bytesOf(BigInt64Array.from(values, (value) => BigInt(value))),
  };
}

/** A row of FP32 values. */
export function float32(name: string, ...values: number[]): Initializer {
  return { name, datatype: "FP32", shape: [values.length], data: bytesOf(Float32Array.from(values)) };
}

/** FP32 weights of any shape. */
export function weights(name: string, shape: readonly number[], values: Float32Array): Initializer {
  return { name, datatype: "FP32", shape, data: bytesOf(values) };
}
