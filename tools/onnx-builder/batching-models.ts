import { buildModel, type GraphNode, type GraphValue } from "./build-model.ts";
import { float32, int64 } from "./initializers.ts";
import { bytesOf } from "./random-weights.ts";

/**
 * Small models for tests of what happens when requests are joined to batches. Names as in the model zoo.
 */

/**
 * OUTPUT0 FP32 `[batch, 1]`: the sums of the segments of the flat INPUT0 FP32 `[elements]`, which begin and end where
 * OFFSETS INT32 `[batch + 1]` says: BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO.
 */
export function segmentSumModel(): Uint8Array {
  return buildModel({
    inputs: [
      { name: "INPUT0", datatype: "FP32", shape: ["elements"] },
      { name: "OFFSETS", datatype: "INT32", shape: ["offsets"] },
    ],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: ["batch", 1] }],
    initializers: [
      int64("axis0", 0),
      int64("axis1", 1),
      int64("from1", 1),
      int64("from0", 0),
      int64("last", -1),
      int64("end", Number.MAX_SAFE_INTEGER),
      float32("zero", 0),
    ],
    nodes: [
      // Sums up to each element, and their differences between the segments' borders.
      { op: "CumSum", inputs: ["INPUT0", "axis0"], outputs: ["running"] },
      { op: "Concat", inputs: ["zero", "running"], outputs: ["sums"], attributes: { axis: { int: 0 } } },
      { op: "Gather", inputs: ["sums", "OFFSETS"], outputs: ["borders"], attributes: { axis: { int: 0 } } },
      { op: "Slice", inputs: ["borders", "from1", "end", "axis0"], outputs: ["upper"] },
      { op: "Slice", inputs: ["borders", "from0", "last", "axis0"], outputs: ["lower"] },
      { op: "Sub", inputs: ["upper", "lower"], outputs: ["segments"] },
      { op: "Unsqueeze", inputs: ["segments", "axis1"], outputs: ["OUTPUT0"] },
    ],
  });
}

/** OUTPUT0 = 2 × INPUT0, both FP32 `[elements]`: flat in, flat out. */
export function flatDoubleModel(): Uint8Array {
  const shape = ["elements"];
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape }],
    initializers: [float32("two", 2)],
    nodes: [{ op: "Mul", inputs: ["INPUT0", "two"], outputs: ["OUTPUT0"] }],
  });
}

/**
 * Shows what a server tells of a batch of requests with one row each. Beside the flat INPUT0 FP32 `[elements]`, inputs
 * called like the kinds of `batch_input`, all INT32, and outputs of the same names, INT32 `[batch, …]`:
 *
 * - ELEMENT_COUNT, ACCUMULATED: `[batch, 1]`, the request's own value
 * - WITH_ZERO: `[batch, 2]`, the values before and after the request
 * - MAX_AS_SHAPE: `[batch, 1]`, the length of that input
 * - ITEM_SHAPE, FLATTEN: `[batch, 2]`, for an INPUT0 of two dimensions
 */
export function batchInputsModel(): Uint8Array {
  const names = ["ELEMENT_COUNT", "ACCUMULATED", "WITH_ZERO", "MAX_AS_SHAPE", "FLATTEN"];
  const input = (name: string): GraphValue => ({ name, datatype: "INT32", shape: [`${name}_length`] });
  const output = (name: string, width: number): GraphValue => ({
    name: `${name}_OUT`,
    datatype: "INT32",
    shape: ["batch", width],
  });
  const column = (name: string): GraphNode => ({
    op: "Unsqueeze",
    inputs: [name, "axis1"],
    outputs: [`${name}_OUT`],
  });
  return buildModel({
    inputs: [
      { name: "INPUT0", datatype: "FP32", shape: ["elements"] },
      ...names.map(input),
      { name: "ITEM_SHAPE", datatype: "INT32", shape: ["items", 2] },
    ],
    outputs: [
      { name: "OUTPUT0", datatype: "FP32", shape: ["elements"] },
      output("ELEMENT_COUNT", 1),
      output("ACCUMULATED", 1),
      output("WITH_ZERO", 2),
      output("MAX_AS_SHAPE", 1),
      output("ITEM_SHAPE", 2),
      output("FLATTEN", 2),
    ],
    initializers: [
      int64("axis0", 0),
      int64("axis1", 1),
      int64("from0", 0),
      int64("from1", 1),
      int64("last", -1),
      int64("end", Number.MAX_SAFE_INTEGER),
      int64("rows2", -1, 2),
    ],
    nodes: [
      { op: "Identity", inputs: ["INPUT0"], outputs: ["OUTPUT0"] },
      column("ELEMENT_COUNT"),
      column("ACCUMULATED"),
      { op: "Slice", inputs: ["WITH_ZERO", "from0", "last", "axis0"], outputs: ["before"] },
      { op: "Slice", inputs: ["WITH_ZERO", "from1", "end", "axis0"], outputs: ["after"] },
      { op: "Unsqueeze", inputs: ["before", "axis1"], outputs: ["beforeColumn"] },
      { op: "Unsqueeze", inputs: ["after", "axis1"], outputs: ["afterColumn"] },
      {
        op: "Concat",
        inputs: ["beforeColumn", "afterColumn"],
        outputs: ["WITH_ZERO_OUT"],
        attributes: { axis: { int: 1 } },
      },
      // The length once for each request.
      { op: "Shape", inputs: ["MAX_AS_SHAPE"], outputs: ["length64"] },
      { op: "Cast", inputs: ["length64"], outputs: ["length"], attributes: { to: { int: 6 } } },
      { op: "Shape", inputs: ["ELEMENT_COUNT_OUT"], outputs: ["columnShape"] },
      { op: "Expand", inputs: ["length", "columnShape"], outputs: ["MAX_AS_SHAPE_OUT"] },
      { op: "Identity", inputs: ["ITEM_SHAPE"], outputs: ["ITEM_SHAPE_OUT"] },
      { op: "Reshape", inputs: ["FLATTEN", "rows2"], outputs: ["FLATTEN_OUT"] },
    ],
  });
}

/** Side of the matrix that {@link slowByInputModel} multiplies. */
const slowSide = 64;

/** OUTPUT0 = INPUT0, FP32 `[batch, 16]`, after as many products of matrices as the largest of INPUT1 INT64 `[batch, 1]`. */
export function slowByInputModel(): Uint8Array {
  const shift = new Float32Array(slowSide * slowSide);
  for (let row = 0; row < slowSide; row++) shift[row * slowSide + ((row + 1) % slowSide)] = 1;
  const matrix = (name: string): GraphValue => ({ name, datatype: "FP32", shape: [slowSide, slowSide] });
  return buildModel({
    inputs: [
      { name: "INPUT0", datatype: "FP32", shape: ["batch", 16] },
      { name: "INPUT1", datatype: "INT64", shape: ["batch", 1] },
    ],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: ["batch", 16] }],
    initializers: [
      { name: "true", datatype: "BOOL", shape: [], data: Uint8Array.of(1) },
      { name: "shift", datatype: "FP32", shape: [slowSide, slowSide], data: bytesOf(shift) },
    ],
    nodes: [
      { op: "ReduceMax", inputs: ["INPUT1"], outputs: ["loops"], attributes: { keepdims: { int: 0 } } },
      {
        op: "Loop",
        inputs: ["loops", "true", "shift"],
        outputs: ["power"],
        attributes: {
          body: {
            graph: {
              inputs: [
                { name: "iteration", datatype: "INT64", shape: [] },
                { name: "goOn", datatype: "BOOL", shape: [] },
                matrix("before"),
              ],
              outputs: [{ name: "goOnStill", datatype: "BOOL", shape: [] }, matrix("after")],
              nodes: [
                { op: "Identity", inputs: ["goOn"], outputs: ["goOnStill"] },
                { op: "MatMul", inputs: ["before", "shift"], outputs: ["after"] },
              ],
            },
          },
        },
      },
      { op: "ReduceMax", inputs: ["power"], outputs: ["one"], attributes: { keepdims: { int: 0 } } },
      { op: "Mul", inputs: ["INPUT0", "one"], outputs: ["OUTPUT0"] },
    ],
  });
}
