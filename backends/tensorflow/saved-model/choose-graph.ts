import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { DataType } from "../../../server/core/data-type.ts";
import { StatusError } from "../../../server/core/status.ts";
import type { ModelSignature, TensorSignature } from "../../backend.ts";
import {
  decodeSavedModel,
  type MetaGraphDef,
  type ShapeProto,
  type SignatureDef,
  type TensorInfo,
} from "./saved-model-proto.ts";
import { tensorFlowType } from "./tensorflow-type.ts";

/** Which part of a SavedModel is served. */
export interface SavedModelChoice {
  /** Key of the signature, `serving_default` unless the configuration says otherwise. */
  readonly signatureName: string;
  /** The tag of the graph, `serve` unless the configuration says otherwise. */
  readonly tag: string;
}

/** An output that a signature has when its function gives no tensor: there is nothing to compute. */
const noOperation = "__saved_model_init_op";

/** The graph of a SavedModel that is served, and the signature's tensors by their names. */
export interface ChosenGraph {
  readonly metaGraph: MetaGraphDef;
  readonly inputs: readonly (readonly [name: string, tensor: TensorInfo])[];
  readonly outputs: readonly (readonly [name: string, tensor: TensorInfo])[];
}

/**
 * Opens a SavedModel directory and finds the graph and the signature.
 *
 * @throws StatusError that names what is missing or damaged, and what there is instead.
 */
export function chooseGraph(directory: string, choice: SavedModelChoice): ChosenGraph {
  const metaGraph = chooseMetaGraph(readMetaGraphs(directory), choice.tag, directory);
  const signature = chooseSignature(metaGraph, choice.signatureName, directory);
  return { metaGraph, inputs: entriesOf(signature.inputs), outputs: entriesOf(signature.outputs) };
}

/**
 * What a signature says of its tensors.
 *
 * @param datatypeOf - The protocol's type for TensorFlow's number, or `null` when the engine does not carry it.
 */
export function signatureOf(
  { inputs, outputs }: Pick<ChosenGraph, "inputs" | "outputs">,
  datatypeOf: (type: number) => DataType | null,
): ModelSignature {
  const tensors = (entries: ChosenGraph["inputs"]): TensorSignature[] =>
    entries.map(([name, { dtype, tensorShape }]) => ({
      name,
      datatype: datatypeOf(dtype),
      modelType: tensorFlowType(dtype).name,
      shape: dimsOf(tensorShape),
    }));
  return { inputs: tensors(inputs), outputs: tensors(outputs) };
}

/** Dimensions with -1 for those that vary, or `null` when not even their number is known. */
export function dimsOf(shape: ShapeProto | null): number[] | null {
  // Writers leave the shape out, or mark it as unknown; a scalar's is there and empty.
  return shape === null || shape.unknownRank ? null : shape.dim.map((dim) => dim.size);
}

function readMetaGraphs(directory: string): readonly MetaGraphDef[] {
  const file = path.join(directory, "saved_model.pb");
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw new StatusError("INTERNAL", `'${directory}' is not there, or is no directory`);
  if (!existsSync(file)) {
    const text = existsSync(`${file}txt`) ? `: saved_model.pbtxt is not supported yet` : "";
    throw new StatusError("INTERNAL", `'${directory}' has no saved_model.pb${text}`);
  }
  try {
    return decodeSavedModel(readFileSync(file)).metaGraphs;
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new StatusError("INTERNAL", `'${file}' is damaged: ${message}`, { cause: thrown });
  }
}

function chooseMetaGraph(metaGraphs: readonly MetaGraphDef[], tag: string, directory: string): MetaGraphDef {
  const tagsOf = (graph: MetaGraphDef): readonly string[] => graph.metaInfoDef?.tags ?? [];
  const candidates = metaGraphs.filter((graph) => tagsOf(graph).includes(tag));
  // A graph for another device carries the tag among others: the one that has fewest is meant.
  const [chosen] = candidates.sort((a, b) => tagsOf(a).length - tagsOf(b).length);
  if (chosen !== undefined) return chosen;
  const available = metaGraphs.map((graph) => `{${tagsOf(graph).join(", ")}}`).join(", ");
  throw new StatusError(
    "INVALID_ARG",
    `'${directory}' has no graph with the tag '${tag}' (parameters["TF_GRAPH_TAG"]), available are ${available === "" ? "none" : available}`,
  );
}

function chooseSignature(graph: MetaGraphDef, name: string, directory: string): SignatureDef {
  const signature = graph.signatureDef[name];
  if (signature !== undefined) return signature;
  const available = Object.keys(graph.signatureDef).filter((key) => key !== noOperation);
  throw new StatusError(
    "INVALID_ARG",
    `'${directory}' has no signature '${name}' (parameters["TF_SIGNATURE_DEF"]), available are ${available.length === 0 ? "none" : available.join(", ")}`,
  );
}

/** By name: the order of a protobuf map means nothing. */
function entriesOf(tensors: Readonly<Record<string, TensorInfo>>): [string, TensorInfo][] {
  const entries = Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, info] of entries) {
    if (info.name !== "") continue;
    throw new StatusError(
      "UNSUPPORTED",
      `'${key}' of the signature is a sparse or composite tensor, which is not supported`,
    );
  }
  return entries;
}
