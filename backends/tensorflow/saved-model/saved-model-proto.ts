import protobuf from "protobufjs/light.js";

/**
 * The part of TensorFlow's protocol buffers that describes a saved model, and what an importer needs of each message.
 *
 * Field numbers are those of TensorFlow's public `.proto` files: `tensorflow/core/protobuf/saved_model.proto`,
 * `meta_graph.proto`, `saver.proto`, `tensor_bundle.proto` and `tensorflow/core/framework/graph.proto`, `function.proto`,
 * `op_def.proto`, `node_def.proto`, `attr_value.proto`, `tensor.proto`, `tensor_shape.proto`. Fields that are not named
 * here are skipped by the reader.
 */

/** A dimension of a shape; -1 is unknown. */
export interface ShapeProto {
  readonly dim: readonly { readonly size: number }[];
  readonly unknownRank: boolean;
}

/** A tensor's value: `tensorContent`, or the list of its type, whose last element stands for all that follow. */
export interface TensorProto {
  readonly dtype: number;
  readonly tensorShape: ShapeProto | null;
  readonly tensorContent: Uint8Array;
  readonly halfVal: readonly number[];
  readonly floatVal: readonly number[];
  readonly doubleVal: readonly number[];
  readonly intVal: readonly number[];
  readonly stringVal: readonly Uint8Array[];
  readonly int64Val: readonly number[];
  readonly boolVal: readonly boolean[];
}

/** A function by name, as an attribute has it. */
export interface FunctionReference {
  readonly name: string;
}

/** An attribute: exactly one member is there. */
export interface AttrValue {
  readonly s?: Uint8Array;
  readonly i?: number;
  readonly f?: number;
  readonly b?: boolean;
  readonly type?: number;
  readonly shape?: ShapeProto;
  readonly tensor?: TensorProto;
  readonly list?: AttrList;
  readonly func?: FunctionReference;
}

/** A list attribute: the lists of other types are empty. */
export interface AttrList {
  readonly s: readonly Uint8Array[];
  readonly i: readonly number[];
  readonly f: readonly number[];
  readonly b: readonly boolean[];
  readonly type: readonly number[];
  readonly shape: readonly ShapeProto[];
}

export type Attributes = Readonly<Record<string, AttrValue>>;

/** One operation of a graph or function. Inputs are references; `^name` is a control dependency. */
export interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Attributes;
}

/** An input or output of an operation; with `numberAttr` or `typeListAttr` a list of tensors. */
export interface ArgDef {
  readonly name: string;
  readonly type: number;
  readonly typeAttr: string;
  readonly numberAttr: string;
  readonly typeListAttr: string;
}

/** The declaration of an operation or a function. */
export interface OpDef {
  readonly name: string;
  readonly inputArg: readonly ArgDef[];
  readonly outputArg: readonly ArgDef[];
  readonly attr: readonly { readonly name: string; readonly defaultValue: AttrValue | null }[];
}

/** A function of the library. `ret` says which of its tensors each output is. */
export interface FunctionDef {
  readonly signature: OpDef;
  readonly nodeDef: readonly NodeDef[];
  readonly ret: Readonly<Record<string, string>>;
}

/** A graph and the functions that it calls. */
export interface GraphDef {
  readonly node: readonly NodeDef[];
  readonly library: { readonly function: readonly FunctionDef[] } | null;
  readonly versions: { readonly producer: number; readonly minConsumer: number } | null;
}

/** An input or output of a signature. `name` is a tensor of the graph. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: number;
  readonly tensorShape: ShapeProto | null;
}

/** What a client may ask of a model. */
export interface SignatureDef {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly outputs: Readonly<Record<string, TensorInfo>>;
}

/** A graph with its signatures, under a set of tags. */
export interface MetaGraphDef {
  readonly metaInfoDef: {
    readonly tags: readonly string[];
    readonly strippedOpList: { readonly op: readonly OpDef[] } | null;
  } | null;
  readonly graphDef: GraphDef | null;
  readonly signatureDef: Readonly<Record<string, SignatureDef>>;
}

/** The content of `saved_model.pb`. */
export interface SavedModel {
  readonly metaGraphs: readonly MetaGraphDef[];
}

/** First entry of `variables.index`. `endianness` 1 is big-endian. */
export interface BundleHeader {
  readonly numShards: number;
  readonly endianness: number;
}

/** Where a variable's bytes are. */
export interface BundleEntry {
  readonly dtype: number;
  readonly shape: ShapeProto | null;
  readonly shardId: number;
  readonly offset: number;
  readonly size: number;
  /** Masked CRC-32C of the bytes. */
  readonly crc32c: number;
  /** Not empty for a variable that is stored in parts. */
  readonly slices: readonly unknown[];
}

const field = (type: string, id: number): protobuf.IField => ({ type, id });
const list = (type: string, id: number): protobuf.IField => ({ rule: "repeated", type, id });
const map = (type: string, id: number): protobuf.IMapField => ({ keyType: "string", type, id });
const attrKinds = ["s", "i", "f", "b", "type", "shape", "tensor", "list", "func"];

const root = protobuf.Root.fromJSON({
  nested: {
    SavedModel: { fields: { metaGraphs: list("MetaGraphDef", 2) } },
    MetaGraphDef: {
      fields: {
        metaInfoDef: field("MetaInfoDef", 1),
        graphDef: field("GraphDef", 2),
        signatureDef: map("SignatureDef", 5),
      },
    },
    MetaInfoDef: { fields: { strippedOpList: field("OpList", 2), tags: list("string", 4) } },
    OpList: { fields: { op: list("OpDef", 1) } },
    SignatureDef: { fields: { inputs: map("TensorInfo", 1), outputs: map("TensorInfo", 2) } },
    TensorInfo: {
      fields: { name: field("string", 1), dtype: field("int32", 2), tensorShape: field("Shape", 3) },
    },
    GraphDef: {
      fields: {
        node: list("NodeDef", 1),
        library: field("FunctionLibrary", 2),
        versions: field("Versions", 4),
      },
    },
    Versions: { fields: { producer: field("int32", 1), minConsumer: field("int32", 2) } },
    FunctionLibrary: { fields: { function: list("FunctionDef", 1) } },
    FunctionDef: {
      fields: { signature: field("OpDef", 1), nodeDef: list("NodeDef", 3), ret: map("string", 4) },
    },
    OpDef: {
      fields: {
        name: field("string", 1),
        inputArg: list("ArgDef", 2),
        outputArg: list("ArgDef", 3),
        attr: list("AttrDef", 4),
      },
    },
    AttrDef: { fields: { name: field("string", 1), defaultValue: field("AttrValue", 3) } },
    ArgDef: {
      fields: {
        name: field("string", 1),
        type: field("int32", 3),
        typeAttr: field("string", 4),
        numberAttr: field("string", 5),
        typeListAttr: field("string", 6),
      },
    },
    NodeDef: {
      fields: {
        name: field("string", 1),
        op: field("string", 2),
        input: list("string", 3),
        attr: map("AttrValue", 5),
      },
    },
    AttrValue: {
      oneofs: { value: { oneof: attrKinds } },
      fields: {
        list: field("AttrList", 1),
        s: field("bytes", 2),
        i: field("int64", 3),
        f: field("float", 4),
        b: field("bool", 5),
        type: field("int32", 6),
        shape: field("Shape", 7),
        tensor: field("Tensor", 8),
        func: field("FunctionReference", 10),
      },
    },
    AttrList: {
      fields: {
        s: list("bytes", 2),
        i: list("int64", 3),
        f: list("float", 4),
        b: list("bool", 5),
        type: list("int32", 6),
        shape: list("Shape", 7),
      },
    },
    FunctionReference: { fields: { name: field("string", 1) } },
    Shape: { fields: { dim: list("Dim", 2), unknownRank: field("bool", 3) } },
    Dim: { fields: { size: field("int64", 1) } },
    Tensor: {
      fields: {
        dtype: field("int32", 1),
        tensorShape: field("Shape", 2),
        tensorContent: field("bytes", 4),
        floatVal: list("float", 5),
        doubleVal: list("double", 6),
        intVal: list("int32", 7),
        stringVal: list("bytes", 8),
        int64Val: list("int64", 10),
        boolVal: list("bool", 11),
        halfVal: list("int32", 13),
      },
    },
    BundleHeader: { fields: { numShards: field("int32", 1), endianness: field("int32", 2) } },
    BundleEntry: {
      fields: {
        dtype: field("int32", 1),
        shape: field("Shape", 2),
        shardId: field("int32", 3),
        offset: field("int64", 4),
        size: field("int64", 5),
        crc32c: field("fixed32", 6),
        slices: list("Slice", 7),
      },
    },
    Slice: { fields: {} },
  },
});

function decoder(name: string): (bytes: Uint8Array) => unknown {
  const type = root.lookupType(name);
  return (bytes) => type.toObject(type.decode(bytes), { longs: Number, defaults: true });
}

/** Reads `saved_model.pb`. @throws Error when the bytes are no such message. */
export const decodeSavedModel = decoder("SavedModel") as (bytes: Uint8Array) => SavedModel;
/** Reads a frozen graph. @throws Error when the bytes are no such message. */
export const decodeGraphDef = decoder("GraphDef") as (bytes: Uint8Array) => GraphDef;
/** Reads the first entry of a checkpoint's index. */
export const decodeBundleHeader = decoder("BundleHeader") as (bytes: Uint8Array) => BundleHeader;
/** Reads one variable's entry of a checkpoint's index. */
export const decodeBundleEntry = decoder("BundleEntry") as (bytes: Uint8Array) => BundleEntry;
