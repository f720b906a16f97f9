import type * as TensorFlow from "@tensorflow/tfjs-core";
import { tf } from "../../backends/tensorflow/engine/tensorflow-js.ts";

/** Something that the engines compute, and must agree on. */
export interface KernelCase {
  readonly name: string;
  run(draw: Draw): TensorFlow.Tensor | TensorFlow.Tensor[];
}

export type Shape = readonly number[];
export type Dtype = "float32" | "int32" | "bool";
export const dtypes: readonly Dtype[] = ["float32", "int32", "bool"];

/** From none to five dimensions, with and without elements. */
export const shapes: readonly Shape[] = [
  [],
  [7],
  [0],
  [3, 4],
  [2, 3, 4],
  [2, 0, 3],
  [2, 1, 3, 2],
  [1, 2, 1, 2, 3],
];

/** Parts of a case's name. */
export const text = (...parts: unknown[]): string => parts.map((part) => JSON.stringify(part)).join(" ");

/** Cases in the making. */
export class CaseList {
  readonly cases: KernelCase[] = [];
  readonly add = (name: string, run: KernelCase["run"]): void => {
    this.cases.push({ name, run });
  };
}

/** Makes tensors of pseudo-random values; the same ones in the same order for the same seed. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to, and not including, 1. */
  number(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }

  /** FP32 from -3 to 3, INT32 from -5 to 5, BOOL. */
  tensor(shape: readonly number[], dtype: Dtype = "float32"): TensorFlow.Tensor {
    return this.between(shape, dtype === "int32" ? -5 : dtype === "bool" ? 0 : -3, undefined, dtype);
  }

  /** Elements from `least` to `most`, or as far above zero as `least` is below it. */
  between(
    shape: readonly number[],
    least: number,
    most = dtypeMost(least),
    dtype: Dtype = "float32",
  ): TensorFlow.Tensor {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const whole = dtype === "float32" ? 0 : 1;
    const values = Array.from({ length: size }, () => {
      const value = least + this.number() * (most - least + whole);
      return whole === 1 ? Math.floor(value) : value;
    });
    return tf.tensor(values, [...shape], dtype);
  }
}

function dtypeMost(least: number): number {
  return least === 0 ? 1 : -least;
}
