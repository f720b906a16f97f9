import type { TensorInfo } from "@tensorflow/tfjs-core";
import { StatusError } from "../../../server/core/status.ts";
import { type KernelCall, wrapKernel } from "./wrapped-kernel.ts";
import { tf } from "./tensorflow-js.ts";

/**
 * Checks what the WASM engine's kernels take on trust: an index beyond a tensor makes them read or write another tensor's
 * memory, which may be another request's, and a division by zero ends the engine.
 */
export function registerGuardedKernels(): void {
  guard("GatherNd", (call) => checkIndices(call, "GatherNd", sizesOf(call, "params")));
  guard("ScatterNd", (call) => checkIndices(call, "ScatterNd", attribute(call, "shape")));
  guard("TensorScatterUpdate", (call) => checkIndices(call, "TensorScatterUpdate", sizesOf(call, "tensor")));
  guard("SparseToDense", checkSparse);
  guard("CropAndResize", checkBoxes);
  guard("Slice", checkSlice);
  guard("Transpose", checkPermutation);
  guardDivision("wasm");
}

/** TensorFlow refuses to divide an integer by zero; the engines have each its own answer. */
export function guardDivision(backend: "wasm" | "cpu"): void {
  for (const name of ["FloorDiv", "Mod", "RealDiv"]) guard(name, checkDivisor, backend);
}

function guard(name: string, check: (call: KernelCall) => void, backend: "wasm" | "cpu" = "wasm"): void {
  wrapKernel(name, backend, (call, kernel) => {
    check(call);
    return kernel(call);
  });
}

function given(call: KernelCall, name: string): TensorInfo {
  return call.inputs[name] as TensorInfo;
}

function sizesOf(call: KernelCall, name: string): readonly number[] {
  return given(call, name).shape;
}

function attribute(call: KernelCall, name: string): readonly number[] {
  return call.attrs?.[name] as unknown as readonly number[];
}

function valuesOf(call: KernelCall, name: string): Int32Array {
  const { readSync } = call.backend as { readSync?: (dataId: object) => Int32Array };
  if (readSync === undefined) throw new Error("The engine cannot read tensors. This is a bug.");
  return readSync.call(call.backend, given(call, name).dataId);
}

function refuse(message: string): never {
  throw new StatusError("INVALID_ARG", message);
}

/** Each row of `indices` names a place in a tensor of the given sizes. */
function checkIndices(call: KernelCall, operation: string, sizes: readonly number[]): void {
  const shape = sizesOf(call, "indices");
  checkRows(valuesOf(call, "indices"), shape[shape.length - 1] ?? 1, operation, sizes);
}

function checkRows(indices: Int32Array, depth: number, operation: string, sizes: readonly number[]): void {
  for (const [at, index] of indices.entries()) {
    const size = sizes[at % depth] ?? 0;
    if (index < 0 || index >= size)
      refuse(`${operation}: index ${index} is out of range, the dimension has the size ${size}`);
  }
}

/** Indices of a vector may be a vector themselves. */
function checkSparse(call: KernelCall): void {
  const shape = sizesOf(call, "sparseIndices");
  const depth = shape.length < 2 ? 1 : (shape[1] ?? 1);
  checkRows(valuesOf(call, "sparseIndices"), depth, "SparseToDense", attribute(call, "outputShape"));
}

function checkBoxes(call: KernelCall): void {
  checkRows(valuesOf(call, "boxInd"), 1, "CropAndResize", sizesOf(call, "image").slice(0, 1));
}

function checkSlice(call: KernelCall): void {
  const shape = sizesOf(call, "x");
  const [begin, size] = [attribute(call, "begin"), attribute(call, "size")];
  for (const [axis, length] of shape.entries()) {
    const from = begin[axis] ?? 0;
    // -1 is "to the end".
    const count = size[axis] ?? -1;
    const end = count === -1 ? length : from + count;
    if (from < 0 || from > length || end < from || end > length)
      refuse(`Slice: ${from} to ${end} is out of range, dimension ${axis} has the size ${length}`);
  }
}

function checkPermutation(call: KernelCall): void {
  const perm = attribute(call, "perm");
  if (new Set(perm).size !== perm.length) refuse(`Transpose: [${perm.join(",")}] names a dimension twice`);
}

function checkDivisor(call: KernelCall): void {
  const divisor = given(call, "b");
  if (divisor.dtype !== "int32" || given(call, "a").dtype !== "int32") return;
  if (tf.util.sizeFromShape(divisor.shape) > 0 && valuesOf(call, "b").includes(0))
    refuse("division of an integer by zero");
}
