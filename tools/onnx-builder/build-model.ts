import { splitBytesElements } from "../../server/core/bytes-elements.ts";
import type { DataType } from "../../server/core/data-type.ts";
import { onnxElementTypes } from "./element-type.ts";
import { attributeTypes, ModelProto } from "./onnx-proto.ts";

/** An input or output of a graph. */
export interface GraphValue {
  readonly name: string;
  readonly datatype: DataType;
  /** A string is a variable dimension of that name; `null` leaves even the rank open. `[]` is a scalar. */
  readonly shape: readonly (number | string)[] | null;
}

/** A constant of a graph. */
export interface Initializer {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
  /** Elements as on the wire: little-endian, row-major; BYTES each with its uint32 length. */
  readonly data: Uint8Array;
}

/** An attribute of a node: exactly one kind, because ONNX stores an integer and a float differently. */
export type NodeAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly graph: GraphInit };

/** One operator of a graph. */
export interface GraphNode {
  /** Name of an operator of the standard ONNX domain, such as `MatMul`. */
  readonly op: string;
  /** Names of graph inputs, initializers or other nodes' outputs. "" leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, NodeAttribute>>;
}

/** A graph: that of a model, or the body of a `Loop` or `If`. */
export interface GraphInit {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** In an order in which they can run. */
  readonly nodes: readonly GraphNode[];
  readonly initializers?: readonly Initializer[];
}

/** A graph and the operator set it is written for. */
export interface ModelInit extends GraphInit {
  /** Version of the standard operators; {@link defaultOpset} when absent. */
  readonly opset?: number;
}

/** Has every operator of the model zoo, and every runtime of the last years knows it. */
export const defaultOpset = 17;

/** Version of the file format itself. 8 came with opset 17, and newer features are not written here. */
const irVersion = 8;

/**
 * Writes an ONNX model. Not checked beyond the types: a graph that makes no sense is for the runtime to refuse.
 *
 * @returns The bytes of a `model.onnx` file, newly allocated. The same input gives the same bytes.
 */
export function buildModel(init: ModelInit): Uint8Array {
  return ModelProto.encode({
    irVersion,
    producerName: "nereid",
    graph: graphMessage(init),
    opsetImport: [{ domain: "", version: init.opset ?? defaultOpset }],
  }).finish();
}

function graphMessage(init: GraphInit): object {
  return {
    name: "graph",
    node: init.nodes.map(nodeMessage),
    initializer: (init.initializers ?? []).map(initializerMessage),
    input: init.inputs.map(valueMessage),
    output: init.outputs.map(valueMessage),
  };
}

function nodeMessage(node: GraphNode, index: number): object {
  return {
    input: node.inputs,
    output: node.outputs,
    // The runtime's error messages name the node.
    name: `${node.op}_${index}`,
    opType: node.op,
    attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => attributeMessage(name, value)),
  };
}

function attributeMessage(name: string, value: NodeAttribute): object {
  if ("int" in value) return { name, type: attributeTypes["INT"], i: value.int };
  if ("ints" in value) return { name, type: attributeTypes["INTS"], ints: value.ints };
  if ("float" in value) return { name, type: attributeTypes["FLOAT"], f: value.float };
  if ("string" in value)
    return { name, type: attributeTypes["STRING"], s: new TextEncoder().encode(value.string) };
  return { name, type: attributeTypes["GRAPH"], g: graphMessage(value.graph) };
}

function initializerMessage(tensor: Initializer): object {
  const content =
    tensor.datatype === "BYTES" ? { stringData: splitBytesElements(tensor.data) } : { rawData: tensor.data };
  return {
    name: tensor.name,
    dims: tensor.shape,
    dataType: onnxElementTypes[tensor.datatype],
    ...content,
  };
}

function valueMessage(value: GraphValue): object {
  const elemType = onnxElementTypes[value.datatype];
  const tensorType =
    value.shape === null ? { elemType } : { elemType, shape: { dim: value.shape.map(dimensionMessage) } };
  return { name: value.name, type: { tensorType } };
}

function dimensionMessage(dim: number | string): object {
  return typeof dim === "string" ? { dimParam: dim } : { dimValue: dim };
}
