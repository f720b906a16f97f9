import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { type KernelCall, wrapKernel } from "./wrapped-kernel.ts";
import { tf } from "./tensorflow-js.ts";

/** What each reduction makes of no elements at all, as TensorFlow does. */
const valuesOfNothing: Readonly<Record<string, (dtype: DataType) => number>> = {
  All: () => 1,
  Any: () => 0,
  Max: (dtype) => (dtype === "int32" ? -(2 ** 31) : -Infinity),
  Mean: (dtype) => (dtype === "int32" ? 0 : NaN),
  Min: (dtype) => (dtype === "int32" ? 2 ** 31 - 1 : Infinity),
  Prod: () => 1,
  Sum: () => 0,
};

/** The WASM engine leaves the result of reducing nothing as its memory was; the CPU engine's largest of nothing is NaN. */
export function repairEmptyReductions(backend: "wasm" | "cpu"): void {
  for (const [name, valueOf] of Object.entries(valuesOfNothing)) {
    wrapKernel(name, backend, (call, kernel) => {
      const x = call.inputs["x"] as TensorInfo;
      return tf.util.sizeFromShape(x.shape) === 0 ? reducedNothing(call, x, valueOf(x.dtype)) : kernel(call);
    });
  }
}

function reducedNothing({ attrs, backend }: KernelCall, x: TensorInfo, value: number): TensorInfo {
  const axes = tf.util.parseAxisParam(attrs?.["axis"] as number[], x.shape);
  const [kept] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
  const shape = attrs?.["keepDims"] === true ? tf.backend_util.expandShapeToKeepDim(kept, axes) : kept;
  const values = tf.util
    .getTypedArrayFromDType(x.dtype as "float32", tf.util.sizeFromShape(shape))
    .fill(value);
  const { write } = backend as { write?: (values: object, shape: number[], dtype: DataType) => object };
  if (write === undefined) throw new Error("The engine cannot write tensors. This is a bug.");
  return { dataId: write.call(backend, values, shape, x.dtype), shape, dtype: x.dtype };
}
