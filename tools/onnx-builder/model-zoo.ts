import type { DataType } from "../../server/core/data-type.ts";
import { buildModel, type GraphNode, type GraphValue, type Initializer } from "./build-model.ts";
import { bytesOf, randomWeights } from "./random-weights.ts";

/**
 * Small models for tests and benchmarks, each with one property that something has to cope with. Inputs are called
 * INPUT0, INPUT1 …, outputs OUTPUT0, OUTPUT1 …; a dimension called "batch" makes the model batchable.
 */

/** OUTPUT0 = INPUT0. With `FP16` or `BYTES`, say, the way to see a data type through the whole server. */
export function identityModel(
  datatype: DataType,
  shape: readonly (number | string)[] | null = ["batch", 16],
): Uint8Array {
  return multiIdentityModel([datatype], shape);
}

/** Outputs i = input i, one for each of `datatypes`. All have the same shape. */
export function multiIdentityModel(
  datatypes: readonly DataType[],
  shape: readonly (number | string)[] | null = ["batch", 4],
): Uint8Array {
  return buildModel({
    inputs: datatypes.map((datatype, i) => ({ name: `INPUT${i}`, datatype, shape })),
    outputs: datatypes.map((datatype, i) => ({ name: `OUTPUT${i}`, datatype, shape })),
    nodes: datatypes.map((_, i) => ({ op: "Identity", inputs: [`INPUT${i}`], outputs: [`OUTPUT${i}`] })),
  });
}

/**
 * Identity on bfloat16: the runtime itself would run it, but its Node binding cannot carry the type. For the error
 * at load.
 */
export function bf16Model(): Uint8Array {
  return identityModel("BF16");
}

/** OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, shape `[batch, elements]`: as the sample `simple`. */
export function sumDifferenceModel(datatype: DataType = "INT32", elements = 16): Uint8Array {
  const shape = ["batch", elements];
  return buildModel({
    inputs: [
      { name: "INPUT0", datatype, shape },
      { name: "INPUT1", datatype, shape },
    ],
    outputs: [
      { name: "OUTPUT0", datatype, shape },
      { name: "OUTPUT1", datatype, shape },
    ],
    nodes: [
      { op: "Add", inputs: ["INPUT0", "INPUT1"], outputs: ["OUTPUT0"] },
      { op: "Sub", inputs: ["INPUT0", "INPUT1"], outputs: ["OUTPUT1"] },
    ],
  });
}

/** Layer widths, input first, and what the weights are drawn from. */
export interface MlpInit {
  readonly sizes: readonly number[];
  readonly seed: number;
}

/** One dense layer: `y = x · weights + bias`. */
export interface DenseLayer {
  readonly inputSize: number;
  readonly outputSize: number;
  /** `[inputSize, outputSize]`, row-major. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** The layers of {@link mlpModel} for the same `init`, to check its results by. */
export function mlpLayers(init: MlpInit): DenseLayer[] {
  const layers: DenseLayer[] = [];
  for (const [index, inputSize] of init.sizes.slice(0, -1).entries()) {
    const outputSize = init.sizes[index + 1] ?? 0;
    // He's bound: keeps the signal's size through any number of ReLU layers.
    const limit = Math.sqrt(6 / inputSize);
    layers.push({
      inputSize,
      outputSize,
      weights: randomWeights(init.seed + 2 * index, inputSize * outputSize, limit),
      bias: randomWeights(init.seed + 2 * index + 1, outputSize, 0.1),
    });
  }
  return layers;
}

/**
 * Dense layers with ReLU between them, seeded random weights. INPUT0 FP32 `[batch, first size]` → OUTPUT0 FP32
 * `[batch, last size]`.
 */
export function mlpModel(init: MlpInit): Uint8Array {
  const nodes: GraphNode[] = [];
  const initializers: Initializer[] = [];
  const layers = mlpLayers(init);
  let current = "INPUT0";
  for (const [index, layer] of layers.entries()) {
    const { inputSize, outputSize, weights, bias } = layer;
    const isLast = index === layers.length - 1;
    const sum = isLast ? "OUTPUT0" : `sum${index}`;
    initializers.push(
      { name: `weights${index}`, datatype: "FP32", shape: [inputSize, outputSize], data: bytesOf(weights) },
      { name: `bias${index}`, datatype: "FP32", shape: [outputSize], data: bytesOf(bias) },
    );
    nodes.push({ op: "Gemm", inputs: [current, `weights${index}`, `bias${index}`], outputs: [sum] });
    if (!isLast) {
      current = `hidden${index}`;
      nodes.push({ op: "Relu", inputs: [sum], outputs: [current] });
    }
  }
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: ["batch", init.sizes.at(0) ?? 0] }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: ["batch", init.sizes.at(-1) ?? 0] }],
    nodes,
    initializers,
  });
}

/** Layers of {@link bigMlpModel}. Few and wide, so that a run is bound by reading the weights. */
const bigMlpLayerCount = 4;

/** Width of every layer of {@link bigMlpModel}, its input and output included. */
export function bigMlpWidth(bytes: number): number {
  return Math.max(1, Math.round(Math.sqrt(bytes / Float32Array.BYTES_PER_ELEMENT / bigMlpLayerCount)));
}

/** A square {@link mlpModel} of about `bytes` (at 100 MB: 2,500 wide). */
export function bigMlpModel(bytes: number): Uint8Array {
  const sizes = new Array<number>(bigMlpLayerCount + 1).fill(bigMlpWidth(bytes));
  return mlpModel({ sizes, seed: 1 });
}

/** Side of the matrix that {@link slowModel} multiplies: a few µs a time, so that loops are a fine scale. */
const slowModelSide = 64;

/**
 * OUTPUT0 = INPUT0, FP32 `[batch, 16]`, after `loops` products of 64×64 matrices: keeps an instance busy for a time
 * in proportion to `loops`, whatever the batch size.
 */
export function slowModel(loops: number): Uint8Array {
  const side = slowModelSide;
  // A cyclic shift: its powers are shifts again, whose largest element stays exactly 1.
  const shift = new Float32Array(side * side);
  for (let row = 0; row < side; row++) shift[row * side + ((row + 1) % side)] = 1;

  const matrix = (name: string): GraphValue => ({ name, datatype: "FP32", shape: [side, side] });
  const scalar = (name: string, datatype: DataType): GraphValue => ({ name, datatype, shape: [] });
  const shape = ["batch", 16];
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape }],
    initializers: [
      { name: "loops", datatype: "INT64", shape: [], data: bytesOf(BigInt64Array.of(BigInt(loops))) },
      { name: "true", datatype: "BOOL", shape: [], data: Uint8Array.of(1) },
      { name: "shift", datatype: "FP32", shape: [side, side], data: bytesOf(shift) },
    ],
    nodes: [
      {
        op: "Loop",
        inputs: ["loops", "true", "shift"],
        outputs: ["power"],
        attributes: {
          body: {
            graph: {
              inputs: [scalar("iteration", "INT64"), scalar("goOn", "BOOL"), matrix("before")],
              outputs: [scalar("goOnStill", "BOOL"), matrix("after")],
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

/** Number of values that {@link failingModel} can look up. */
export const failingModelLimit = 4;

/**
 * Loads like any other model, and fails at run time for some data: INPUT0 INT64 `[batch, 1]` is an index into
 * [0, 10, 20, 30]; OUTPUT0 FP32 `[batch, 1]` is what stands there. An index of 4 or more fails the whole batch.
 */
export function failingModel(): Uint8Array {
  const table = Float32Array.from({ length: failingModelLimit }, (_, i) => 10 * i);
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "INT64", shape: ["batch", 1] }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: ["batch", 1] }],
    nodes: [{ op: "Gather", inputs: ["table", "INPUT0"], outputs: ["OUTPUT0"] }],
    initializers: [{ name: "table", datatype: "FP32", shape: [failingModelLimit], data: bytesOf(table) }],
  });
}

/** OUTPUT0 = INPUT0, FP32 `[rows, 16]`: the first dimension is fixed, so a config with max_batch_size is wrong. */
export function fixedBatchModel(rows = 4): Uint8Array {
  return identityModel("FP32", [rows, 16]);
}

/** OUTPUT0 = -INPUT0, FP32 of rank 0. */
export function scalarModel(): Uint8Array {
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: [] }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: [] }],
    nodes: [{ op: "Neg", inputs: ["INPUT0"], outputs: ["OUTPUT0"] }],
  });
}

/**
 * OUTPUT0 INT64 `[1, n]`: the positions where INPUT0 FP32 `[elements]` is not 0. How large it gets is known only after
 * the run, and may be nothing.
 */
export function dynamicOutputModel(): Uint8Array {
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: ["elements"] }],
    outputs: [{ name: "OUTPUT0", datatype: "INT64", shape: [1, "found"] }],
    nodes: [{ op: "NonZero", inputs: ["INPUT0"], outputs: ["OUTPUT0"] }],
  });
}
