import protobuf from "protobufjs/light.js";

/** One operation of a frozen graph. */
export interface GraphDefNode {
  readonly name: string;
  readonly op: string;
  readonly inputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, GraphDefAttribute>>;
}

/** An attribute of a node: exactly one kind. */
export type GraphDefAttribute =
  | { readonly type: number }
  | { readonly b: boolean }
  | { readonly s: Uint8Array }
  | { readonly list: { readonly i: readonly number[] } }
  | { readonly tensor: object };

/** TensorFlow's numbers of the types that are written here. */
export const graphDefType = { float: 1, int32: 3 } as const;

const field = (type: string, id: number): protobuf.IField => ({ type, id });
const repeated = (type: string, id: number): protobuf.IField => ({ rule: "repeated", type, id });

/** Field numbers are those of TensorFlow's `graph.proto`, `node_def.proto`, `attr_value.proto` and `tensor.proto`. */
const GraphDef = protobuf.Root.fromJSON({
  nested: {
    GraphDef: { fields: { node: repeated("NodeDef", 1) } },
    NodeDef: {
      fields: {
        name: field("string", 1),
        op: field("string", 2),
        input: repeated("string", 3),
        attr: { keyType: "string", type: "AttrValue", id: 5 } as protobuf.IMapField,
      },
    },
    AttrValue: {
      oneofs: { value: { oneof: ["list", "s", "b", "type", "tensor"] } },
      fields: {
        list: field("AttrList", 1),
        s: field("bytes", 2),
        b: field("bool", 5),
        type: field("int32", 6),
        tensor: field("Tensor", 8),
      },
    },
    AttrList: { fields: { i: repeated("int64", 3) } },
    Tensor: {
      fields: { dtype: field("int32", 1), tensorShape: field("Shape", 2), tensorContent: field("bytes", 4) },
    },
    Shape: { fields: { dim: repeated("Dim", 2) } },
    Dim: { fields: { size: field("int64", 1) } },
  },
}).lookupType("GraphDef");

/** The bytes of a `model.graphdef`. Not checked: a graph that makes no sense is for the engine to refuse. */
export function buildGraphDef(nodes: readonly GraphDefNode[]): Uint8Array {
  const node = nodes.map(({ name, op, inputs = [], attributes = {} }) => ({
    name,
    op,
    input: inputs,
    attr: attributes,
  }));
  return GraphDef.encode(GraphDef.fromObject({ node })).finish();
}

/** A `Const` node. */
export function constantNode(
  name: string,
  shape: readonly number[],
  values: Float32Array | Int32Array,
): GraphDefNode {
  const dtype = values instanceof Float32Array ? graphDefType.float : graphDefType.int32;
  const tensor = {
    dtype,
    tensorShape: { dim: shape.map((size) => ({ size })) },
    tensorContent: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
  return { name, op: "Const", attributes: { dtype: { type: dtype }, value: { tensor } } };
}

/** A text attribute. */
export function textAttribute(value: string): GraphDefAttribute {
  return { s: new TextEncoder().encode(value) };
}
