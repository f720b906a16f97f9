import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { StatusError } from "../../../server/core/status.ts";
import type { ModelSignature, TensorSignature } from "../../backend.ts";
import { nativeDatatype } from "../codec/native-elements.ts";
import { chooseGraph, dimsOf, type SavedModelChoice, signatureOf } from "../saved-model/choose-graph.ts";
import { parseReference } from "../saved-model/op-outputs.ts";
import {
  type ConfiguredTensor,
  type ConfiguredTensors,
  declaredOutputType,
  openGraphDef,
} from "../saved-model/read-graph-def.ts";
import type { NodeDef } from "../saved-model/saved-model-proto.ts";
import { tensorFlowType } from "../saved-model/tensorflow-type.ts";
import type { TensorFlowBinding } from "./tensorflow-binding.ts";

/** A graph in a session of this thread. */
export interface NativeGraph {
  /** The addon's number of it. */
  readonly id: number;
  readonly signature: ModelSignature;
  /** The graph's tensor (`node:output`) for each name of the signature. */
  readonly inputTensors: ReadonlyMap<string, string>;
  readonly outputTensors: ReadonlyMap<string, string>;
}

/** Loads a SavedModel with its variables and lookup tables. @throws StatusError or the addon's Error. */
export function loadSavedModel(
  binding: TensorFlowBinding,
  directory: string,
  choice: SavedModelChoice,
): NativeGraph {
  const { metaGraph, inputs, outputs } = chooseGraph(directory, choice);
  const tags = metaGraph.metaInfoDef?.tags ?? [];
  return {
    id: binding.loadSavedModel(directory, tags.join(",")),
    signature: signatureOf({ inputs, outputs }, nativeDatatype),
    inputTensors: new Map(inputs.map(([name, info]) => [name, info.name])),
    outputTensors: new Map(outputs.map(([name, info]) => [name, info.name])),
  };
}

const graphTag = "serve";

/**
 * Loads a frozen graph. The addon loads SavedModels only, so the graph is given as one without variables, in a directory
 * that is gone when this returns.
 *
 * @throws StatusError or the addon's Error.
 */
export function loadGraphDef(
  binding: TensorFlowBinding,
  file: string,
  configured: ConfiguredTensors,
): NativeGraph {
  const nodes = new Map(openGraphDef(file, configured).node.map((node) => [node.name, node]));
  const inputs = configured.inputs.map((tensor) => inputSignature(tensor, nodes));
  const outputs = configured.outputs.map((tensor) => outputSignature(tensor, nodes));
  const directory = mkdtempSync(path.join(os.tmpdir(), "nereid-graph-"));
  try {
    writeFileSync(path.join(directory, "saved_model.pb"), wrapGraph(readFileSync(file)));
    return {
      id: binding.loadSavedModel(directory, graphTag),
      signature: { inputs, outputs },
      inputTensors: new Map(inputs.map(({ name }) => [name, tensorName(name)])),
      outputTensors: new Map(outputs.map(({ name }) => [name, tensorName(name)])),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function tensorName(name: string): string {
  const { node, index } = parseReference(name);
  return `${node}:${index}`;
}

function nodeOf(name: string, nodes: ReadonlyMap<string, NodeDef>): NodeDef {
  const reference = parseReference(name);
  const node = nodes.get(reference.node);
  if (node !== undefined) return node;
  throw new StatusError("INVALID_ARG", `the graph has no node '${reference.node}' for tensor '${name}'`);
}

function inputSignature({ name }: ConfiguredTensor, nodes: ReadonlyMap<string, NodeDef>): TensorSignature {
  const { op, attr } = nodeOf(name, nodes);
  if (!op.startsWith("Placeholder"))
    throw new StatusError("INVALID_ARG", `input '${name}' is node of operation ${op}, not a Placeholder`);
  const type = attr["dtype"]?.type ?? 0;
  return {
    name,
    datatype: nativeDatatype(type),
    modelType: tensorFlowType(type).name,
    shape: dimsOf(attr["shape"]?.shape ?? null),
  };
}

function outputSignature(
  { name, datatype }: ConfiguredTensor,
  nodes: ReadonlyMap<string, NodeDef>,
): TensorSignature {
  const type = declaredOutputType(nodeOf(name, nodes), parseReference(name).index);
  // What the graph does not tell is taken from the configuration, and checked with each result.
  if (type === null) return { name, datatype, modelType: datatype, shape: null };
  return { name, datatype: nativeDatatype(type), modelType: tensorFlowType(type).name, shape: null };
}

/** Tag and length in front of a message's field, as protocol buffers write it. */
function field(number: number, content: Uint8Array): Uint8Array {
  const lengthDelimited = 2;
  return Buffer.concat([varint((number << 3) | lengthDelimited), varint(content.byteLength), content]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 0x80)) {
    if (rest < 0x80) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 0x80) | 0x80);
  }
}

/**
 * A `SavedModel` around a `GraphDef`.
 *
 * @see tensorflow/core/protobuf/saved_model.proto and meta_graph.proto: `meta_graphs` is 2; of a meta graph,
 * `meta_info_def` is 1 and `graph_def` 2; of its info, `tags` is 4.
 */
function wrapGraph(graphDef: Uint8Array): Uint8Array {
  const info = field(4, Buffer.from(graphTag));
  return field(2, Buffer.concat([field(1, info), field(2, graphDef)]));
}
