import { list, map, member, one, readMessage, schema } from "../codec/message-reader.ts";

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

const shape = schema({ 2: list("dim", schema({ 1: one("size", "int64") })), 3: one("unknownRank", "bool") });

const tensor = schema({
  1: one("dtype", "int32"),
  2: one("tensorShape", shape),
  4: one("tensorContent", "bytes"),
  5: list("floatVal", "float"),
  6: list("doubleVal", "double"),
  7: list("intVal", "int32"),
  8: list("stringVal", "bytes"),
  10: list("int64Val", "int64"),
  11: list("boolVal", "bool"),
  13: list("halfVal", "int32"),
});

const attributeList = schema({
  2: list("s", "bytes"),
  3: list("i", "int64"),
  4: list("f", "float"),
  5: list("b", "bool"),
  6: list("type", "int32"),
  7: list("shape", shape),
});

const attributeValue = schema({
  1: member("list", attributeList),
  2: member("s", "bytes"),
  3: member("i", "int64"),
  4: member("f", "float"),
  5: member("b", "bool"),
  6: member("type", "int32"),
  7: member("shape", shape),
  8: member("tensor", tensor),
  10: member("func", schema({ 1: one("name", "string") })),
});

const argument = schema({
  1: one("name", "string"),
  3: one("type", "int32"),
  4: one("typeAttr", "string"),
  5: one("numberAttr", "string"),
  6: one("typeListAttr", "string"),
});

const operation = schema({
  1: one("name", "string"),
  2: list("inputArg", argument),
  3: list("outputArg", argument),
  4: list("attr", schema({ 1: one("name", "string"), 3: one("defaultValue", attributeValue) })),
});

const node = schema({
  1: one("name", "string"),
  2: one("op", "string"),
  3: list("input", "string"),
  5: map("attr", attributeValue),
});

const functionDef = schema({
  1: one("signature", operation),
  3: list("nodeDef", node),
  4: map("ret", "string"),
});

const graph = schema({
  1: list("node", node),
  2: one("library", schema({ 1: list("function", functionDef) })),
  4: one("versions", schema({ 1: one("producer", "int32"), 2: one("minConsumer", "int32") })),
});

const tensorInfo = schema({
  1: one("name", "string"),
  2: one("dtype", "int32"),
  3: one("tensorShape", shape),
});

const metaGraph = schema({
  1: one(
    "metaInfoDef",
    schema({ 2: one("strippedOpList", schema({ 1: list("op", operation) })), 4: list("tags", "string") }),
  ),
  2: one("graphDef", graph),
  5: map("signatureDef", schema({ 1: map("inputs", tensorInfo), 2: map("outputs", tensorInfo) })),
});

const savedModel = schema({ 2: list("metaGraphs", metaGraph) });
const bundleHeader = schema({ 1: one("numShards", "int32"), 2: one("endianness", "int32") });
const bundleEntry = schema({
  1: one("dtype", "int32"),
  2: one("shape", shape),
  3: one("shardId", "int32"),
  4: one("offset", "int64"),
  5: one("size", "int64"),
  6: one("crc32c", "fixed32"),
  7: list("slices", schema({})),
});

/** Reads `saved_model.pb`. @throws Error when the bytes are no such message. */
export function decodeSavedModel(bytes: Uint8Array): SavedModel {
  return readMessage(bytes, savedModel) as SavedModel;
}

/** Reads a frozen graph. @throws Error when the bytes are no such message. */
export function decodeGraphDef(bytes: Uint8Array): GraphDef {
  return readMessage(bytes, graph) as GraphDef;
}

/** Reads the first entry of a checkpoint's index. @throws Error when the bytes are no such message. */
export function decodeBundleHeader(bytes: Uint8Array): BundleHeader {
  return readMessage(bytes, bundleHeader) as BundleHeader;
}

/** Reads one variable's entry of a checkpoint's index. @throws Error when the bytes are no such message. */
export function decodeBundleEntry(bytes: Uint8Array): BundleEntry {
  return readMessage(bytes, bundleEntry) as BundleEntry;
}
