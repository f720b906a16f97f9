import { buildModel, type GraphNode, type Initializer } from "./build-model.ts";
import { float32, int64, weights } from "./initializers.ts";
import { randomWeights } from "./random-weights.ts";

/**
 * Models whose requests have different lengths, and that leave out what a mask says is padding.
 */

/** ONNX's number of FP32, as the operator Cast wants it. */
const toFloat32 = { to: { int: 1 } };

/**
 * MEAN FP32 `[batch, 3]`: the means over the positions of INPUT0 FP32 `[batch, 3, length]` where MASK FP32 `[batch, length]`
 * is 1. OUTPUT0 FP32 `[batch, 3, length]`: INPUT0 less its mean, at every position.
 */
export function maskedMeanModel(): Uint8Array {
  return buildModel({
    inputs: [
      { name: "INPUT0", datatype: "FP32", shape: ["batch", 3, "length"] },
      { name: "MASK", datatype: "FP32", shape: ["batch", "length"] },
    ],
    outputs: [
      { name: "MEAN", datatype: "FP32", shape: ["batch", 3] },
      { name: "OUTPUT0", datatype: "FP32", shape: ["batch", 3, "length"] },
    ],
    initializers: [int64("axis1", 1), int64("axis2", 2)],
    nodes: [
      { op: "Unsqueeze", inputs: ["MASK", "axis1"], outputs: ["mask3"] },
      { op: "Mul", inputs: ["INPUT0", "mask3"], outputs: ["real"] },
      { op: "ReduceSum", inputs: ["real", "axis2"], outputs: ["sums"] },
      { op: "ReduceSum", inputs: ["mask3", "axis2"], outputs: ["counts"] },
      { op: "Div", inputs: ["sums", "counts"], outputs: ["means"] },
      { op: "Squeeze", inputs: ["means", "axis2"], outputs: ["MEAN"] },
      { op: "Sub", inputs: ["INPUT0", "means"], outputs: ["OUTPUT0"] },
    ],
  });
}

/** OUTPUT0: every second element of INPUT0, both FP32 `[batch, …]`: half as long as the input, rounded up. */
export function everySecondModel(): Uint8Array {
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: ["batch", "length"] }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: ["batch", "half"] }],
    initializers: [
      int64("from0", 0),
      int64("end", Number.MAX_SAFE_INTEGER),
      int64("axis1", 1),
      int64("step2", 2),
    ],
    nodes: [{ op: "Slice", inputs: ["INPUT0", "from0", "end", "axis1", "step2"], outputs: ["OUTPUT0"] }],
  });
}

/** Sizes of {@link encoderModel}. */
export interface EncoderInit {
  readonly vocabularySize: number;
  /** Of the vector of one token; a multiple of {@link headCount}. */
  readonly width: number;
  readonly headCount: number;
  readonly layerCount: number;
  /** Longest text, in tokens. */
  readonly maxLength: number;
  readonly seed: number;
}

/**
 * A transformer's encoder with random weights, as text models have it: token and position embeddings, masked attention,
 * dense layers. INPUT_IDS and ATTENTION_MASK INT64 `[batch, length]` → HIDDEN FP32 `[batch, length, width]` and POOLED FP32
 * `[batch, width]`, the mean of the tokens that the mask leaves.
 */
export function encoderModel(init: EncoderInit): Uint8Array {
  const { vocabularySize, width, maxLength, seed } = init;
  const shape = ["batch", "length"];
  const nodes: GraphNode[] = [
    { op: "Gather", inputs: ["tokens", "INPUT_IDS"], outputs: ["embedded"] },
    {
      op: "Shape",
      inputs: ["INPUT_IDS"],
      outputs: ["length"],
      attributes: { start: { int: 1 }, end: { int: 2 } },
    },
    { op: "Slice", inputs: ["positions", "zero", "length", "zero"], outputs: ["placed"] },
    { op: "Add", inputs: ["embedded", "placed"], outputs: ["x0"] },
    // Scores of padding become so small that softmax makes exact zeros of them.
    { op: "Cast", inputs: ["ATTENTION_MASK"], outputs: ["mask"], attributes: toFloat32 },
    { op: "Sub", inputs: ["mask", "one"], outputs: ["absent"] },
    { op: "Mul", inputs: ["absent", "large"], outputs: ["penalty2"] },
    { op: "Unsqueeze", inputs: ["penalty2", "axes12"], outputs: ["penalty"] },
  ];
  const initializers: Initializer[] = [
    weights("tokens", [vocabularySize, width], randomWeights(seed, vocabularySize * width, 1)),
    weights("positions", [maxLength, width], randomWeights(seed + 1, maxLength * width, 1)),
    weights("gain", [width], new Float32Array(width).fill(1)),
    weights("shift", [width], new Float32Array(width)),
    float32("one", 1),
    float32("large", 1e9),
    float32("scale", 1 / Math.sqrt(width / init.headCount)),
    int64("zero", 0),
    int64("axis1", 1),
    int64("axis2", 2),
    int64("axes12", 1, 2),
    int64("split", 0, 0, init.headCount, width / init.headCount),
    int64("joined", 0, 0, width),
  ];
  for (let layer = 0; layer < init.layerCount; layer++) {
    nodes.push(...encoderLayer(layer));
    initializers.push(...encoderWeights(layer, width, seed));
  }
  nodes.push(
    { op: "Identity", inputs: [`x${init.layerCount}`], outputs: ["HIDDEN"] },
    { op: "Unsqueeze", inputs: ["mask", "axis2"], outputs: ["mask3"] },
    { op: "Mul", inputs: ["HIDDEN", "mask3"], outputs: ["real"] },
    { op: "ReduceSum", inputs: ["real", "axis1"], outputs: ["sums"], attributes: { keepdims: { int: 0 } } },
    {
      op: "ReduceSum",
      inputs: ["mask3", "axis1"],
      outputs: ["counts"],
      attributes: { keepdims: { int: 0 } },
    },
    { op: "Div", inputs: ["sums", "counts"], outputs: ["POOLED"] },
  );
  return buildModel({
    inputs: [
      { name: "INPUT_IDS", datatype: "INT64", shape },
      { name: "ATTENTION_MASK", datatype: "INT64", shape },
    ],
    outputs: [
      { name: "HIDDEN", datatype: "FP32", shape: [...shape, width] },
      { name: "POOLED", datatype: "FP32", shape: ["batch", width] },
    ],
    nodes,
    initializers,
  });
}

/** From `x<layer>` to `x<layer + 1>`: attention and two dense layers, each with a way around it. */
function encoderLayer(layer: number): GraphNode[] {
  const name = (part: string): string => `${part}${layer}`;
  const input = name("x");
  /** One of queries, keys, values: `[batch, heads, length, size]`, or as `perm` says. */
  const heads = (part: string, perm: readonly number[]): GraphNode[] => [
    { op: "MatMul", inputs: [input, name(`w_${part}`)], outputs: [name(`${part}_flat`)] },
    { op: "Reshape", inputs: [name(`${part}_flat`), "split"], outputs: [name(`${part}_split`)] },
    {
      op: "Transpose",
      inputs: [name(`${part}_split`)],
      outputs: [name(part)],
      attributes: { perm: { ints: perm } },
    },
  ];
  const normalise = (from: string, to: string): GraphNode => ({
    op: "LayerNormalization",
    inputs: [from, "gain", "shift"],
    outputs: [to],
    attributes: { axis: { int: -1 } },
  });
  return [
    ...heads("query", [0, 2, 1, 3]),
    ...heads("key", [0, 2, 3, 1]),
    ...heads("value", [0, 2, 1, 3]),
    { op: "MatMul", inputs: [name("query"), name("key")], outputs: [name("products")] },
    { op: "Mul", inputs: [name("products"), "scale"], outputs: [name("scores")] },
    { op: "Add", inputs: [name("scores"), "penalty"], outputs: [name("masked")] },
    {
      op: "Softmax",
      inputs: [name("masked")],
      outputs: [name("attention")],
      attributes: { axis: { int: -1 } },
    },
    { op: "MatMul", inputs: [name("attention"), name("value")], outputs: [name("context_split")] },
    {
      op: "Transpose",
      inputs: [name("context_split")],
      outputs: [name("context_rows")],
      attributes: { perm: { ints: [0, 2, 1, 3] } },
    },
    { op: "Reshape", inputs: [name("context_rows"), "joined"], outputs: [name("context")] },
    { op: "MatMul", inputs: [name("context"), name("w_out")], outputs: [name("attended")] },
    { op: "Add", inputs: [input, name("attended")], outputs: [name("sum")] },
    normalise(name("sum"), name("middle")),
    { op: "MatMul", inputs: [name("middle"), name("w_up")], outputs: [name("up")] },
    { op: "Relu", inputs: [name("up")], outputs: [name("active")] },
    { op: "MatMul", inputs: [name("active"), name("w_down")], outputs: [name("down")] },
    { op: "Add", inputs: [name("middle"), name("down")], outputs: [name("last")] },
    normalise(name("last"), `x${layer + 1}`),
  ];
}

/** The dense layers between are so much wider, as transformers commonly have it. */
const expansion = 4;

function encoderWeights(layer: number, width: number, seed: number): Initializer[] {
  const parts: readonly (readonly [string, number, number])[] = [
    ["query", width, width],
    ["key", width, width],
    ["value", width, width],
    ["out", width, width],
    ["up", width, expansion * width],
    ["down", expansion * width, width],
  ];
  return parts.map(([part, from, to], i) =>
    weights(
      `w_${part}${layer}`,
      [from, to],
      randomWeights(seed + 10 * (layer + 1) + i, from * to, Math.sqrt(3 / from)),
    ),
  );
}
