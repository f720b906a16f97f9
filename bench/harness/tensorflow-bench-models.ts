import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type ConfigFile, writeModelDirectory } from "../../tools/model-directory.ts";
import { buildModel, type GraphNode, type Initializer } from "../../tools/onnx-builder/build-model.ts";
import { mlpLayers, mlpModel } from "../../tools/onnx-builder/model-zoo.ts";
import { bytesOf, randomWeights } from "../../tools/onnx-builder/random-weights.ts";
import {
  buildGraphDef,
  constantNode,
  type GraphDefNode,
  graphDefType,
  textAttribute,
} from "../../tools/tensorflow-builder/graph-def.ts";

/** The same network in both formats: INPUT0 FP32 [784] → OUTPUT0 FP32 [10]. */
export interface TensorFlowBenchModel {
  readonly name: "mlp" | "cnn";
  readonly onnx: Uint8Array;
  readonly graphDef: Uint8Array;
}

/** Values per item. */
export const tensorFlowBenchLengths = { input: 784, output: 10 } as const;

const float = { type: graphDefType.float } as const;
const mlpInit = { sizes: [784, 512, 512, 10], seed: 1 };
/** Depths of the feature maps of the convolutional network, which pools by two after each convolution. */
const side = 28;
const depths = [1, 16, 32] as const;
const kernel = 3;
const pooledSide = side / 4;
const flatSize = pooledSide ** 2 * depths[2];

const placeholder: GraphDefNode = { name: "INPUT0", op: "Placeholder", attributes: { dtype: float } };

/** `source` · weights + bias, in nodes of their own. @returns The name of the sum. */
function dense(
  nodes: GraphDefNode[],
  source: string,
  layer: {
    readonly inputSize: number;
    readonly outputSize: number;
    weights: Float32Array;
    bias: Float32Array;
  },
  name: string,
): string {
  nodes.push(
    constantNode(`${name}/weights`, [layer.inputSize, layer.outputSize], layer.weights),
    constantNode(`${name}/bias`, [layer.outputSize], layer.bias),
    { name: `${name}/product`, op: "MatMul", inputs: [source, `${name}/weights`], attributes: { T: float } },
    { name, op: "BiasAdd", inputs: [`${name}/product`, `${name}/bias`], attributes: { T: float } },
  );
  return name;
}

function mlpGraph(): Uint8Array {
  const nodes = [placeholder];
  let current = placeholder.name;
  const layers = mlpLayers(mlpInit);
  for (const [i, layer] of layers.entries()) {
    const isLast = i === layers.length - 1;
    const sum = dense(nodes, current, layer, isLast ? "OUTPUT0" : `dense${i}`);
    if (isLast) break;
    current = `relu${i}`;
    nodes.push({ name: current, op: "Relu", inputs: [sum], attributes: { T: float } });
  }
  return buildGraphDef(nodes);
}

/** Filters as TensorFlow has them, [height, width, in, out], and the biases. */
const convolutions = [0, 1].map((i) => {
  const [from, to] = [depths[i]!, depths[i + 1]!];
  const limit = Math.sqrt(6 / (kernel * kernel * from));
  return {
    from,
    to,
    filter: randomWeights(20 + i, kernel * kernel * from * to, limit),
    bias: randomWeights(30 + i, to, 0.1),
  };
});
const head = {
  inputSize: flatSize,
  outputSize: tensorFlowBenchLengths.output,
  weights: randomWeights(40, flatSize * tensorFlowBenchLengths.output, Math.sqrt(6 / flatSize)),
  bias: randomWeights(41, tensorFlowBenchLengths.output, 0.1),
};

function cnnGraph(): Uint8Array {
  const nodes = [placeholder, constantNode("image/shape", [4], Int32Array.of(-1, side, side, depths[0]))];
  const reshape = (name: string, source: string): GraphDefNode => ({
    name,
    op: "Reshape",
    inputs: [source, `${name}/shape`],
    attributes: { T: float, Tshape: { type: graphDefType.int32 } },
  });
  nodes.push(reshape("image", "INPUT0"));
  let current = "image";
  for (const [i, { from, to, filter, bias }] of convolutions.entries()) {
    const layout = { T: float, data_format: textAttribute("NHWC") };
    const steps = (size: number) => ({ list: { i: [1, size, size, 1] } });
    const same = { padding: textAttribute("SAME"), strides: steps(1), dilations: steps(1) };
    nodes.push(
      constantNode(`filter${i}`, [kernel, kernel, from, to], filter),
      constantNode(`bias${i}`, [to], bias),
      { name: `conv${i}`, op: "Conv2D", inputs: [current, `filter${i}`], attributes: { ...layout, ...same } },
      { name: `sum${i}`, op: "BiasAdd", inputs: [`conv${i}`, `bias${i}`], attributes: layout },
      { name: `relu${i}`, op: "Relu", inputs: [`sum${i}`], attributes: { T: float } },
      {
        name: `pool${i}`,
        op: "MaxPool",
        inputs: [`relu${i}`],
        attributes: { ...layout, ksize: steps(2), strides: steps(2), padding: textAttribute("VALID") },
      },
    );
    current = `pool${i}`;
  }
  nodes.push(constantNode("flat/shape", [2], Int32Array.of(-1, flatSize)), reshape("flat", current));
  dense(nodes, "flat", head, "OUTPUT0");
  return buildGraphDef(nodes);
}

/** ONNX has the filter as [out, in, height, width]. */
function onnxFilter(filter: Float32Array, from: number, to: number): Float32Array {
  const area = kernel * kernel;
  return Float32Array.from(filter, (_, at) => {
    const [out, rest] = [Math.floor(at / (from * area)), at % (from * area)];
    const [depth, place] = [Math.floor(rest / area), rest % area];
    return filter[(place * from + depth) * to + out]!;
  });
}

function cnnModel(): Uint8Array {
  const shapes = { image: [-1, 1, side, side], flat: [-1, flatSize] };
  const initializers: Initializer[] = Object.entries(shapes).map(([name, shape]) => ({
    name: `${name}_shape`,
    datatype: "INT64",
    shape: [shape.length],
    data: bytesOf(BigInt64Array.from(shape, BigInt)),
  }));
  const weights = (name: string, shape: readonly number[], values: Float32Array): void => {
    initializers.push({ name, datatype: "FP32", shape, data: bytesOf(values) });
  };
  const nodes: GraphNode[] = [{ op: "Reshape", inputs: ["INPUT0", "image_shape"], outputs: ["image"] }];
  let current = "image";
  for (const [i, { from, to, filter, bias }] of convolutions.entries()) {
    weights(`filter${i}`, [to, from, kernel, kernel], onnxFilter(filter, from, to));
    weights(`bias${i}`, [to], bias);
    const pads = { ints: [1, 1, 1, 1] };
    const two = { ints: [2, 2] };
    nodes.push(
      {
        op: "Conv",
        inputs: [current, `filter${i}`, `bias${i}`],
        outputs: [`conv${i}`],
        attributes: { pads, kernel_shape: { ints: [kernel, kernel] } },
      },
      { op: "Relu", inputs: [`conv${i}`], outputs: [`relu${i}`] },
      {
        op: "MaxPool",
        inputs: [`relu${i}`],
        outputs: [`pool${i}`],
        attributes: { kernel_shape: two, strides: two },
      },
    );
    current = `pool${i}`;
  }
  weights("head_weights", [head.inputSize, head.outputSize], head.weights);
  weights("head_bias", [head.outputSize], head.bias);
  nodes.push(
    { op: "Transpose", inputs: [current], outputs: ["last"], attributes: { perm: { ints: [0, 2, 3, 1] } } },
    { op: "Reshape", inputs: ["last", "flat_shape"], outputs: ["flat"] },
    { op: "Gemm", inputs: ["flat", "head_weights", "head_bias"], outputs: ["OUTPUT0"] },
  );
  const { input, output } = tensorFlowBenchLengths;
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: ["batch", input] }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: ["batch", output] }],
    nodes,
    initializers,
  });
}

/** The 784-512-512-10 perceptron of the other cases, and a network of two convolutions on 28×28 pixels. */
export function tensorFlowBenchModels(): TensorFlowBenchModel[] {
  return [
    { name: "mlp", onnx: mlpModel(mlpInit), graphDef: mlpGraph() },
    { name: "cnn", onnx: cnnModel(), graphDef: cnnGraph() },
  ];
}

/** Writes a frozen graph into a repository, to be served by an engine. */
export function writeGraphDefModel(
  repository: string,
  name: string,
  engine: string,
  graph: Uint8Array,
): void {
  const config: ConfigFile = {
    platform: "tensorflow_graphdef",
    max_batch_size: 64,
    input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [tensorFlowBenchLengths.input] }],
    output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [tensorFlowBenchLengths.output] }],
    dynamic_batching: {},
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
    parameters: { engine: { string_value: engine } },
  };
  writeModelDirectory(repository, name, config, null);
  mkdirSync(path.join(repository, name, "1"), { recursive: true });
  writeFileSync(path.join(repository, name, "1", "model.graphdef"), graph);
}
