import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { StatusError } from "../../../server/core/status.ts";
import type { ModelSignature, TensorSignature } from "../../backend.ts";
import type { GraphParts } from "../engine/graph-executable.ts";
import { checkOperations } from "./check-operations.ts";
import { CheckpointBundle } from "./checkpoint-bundle.ts";
import type { Constant } from "./constant.ts";
import { exportGraph } from "./export-graph.ts";
import { GraphImporter, type GraphSource } from "./graph-importer.ts";
import { parseReference } from "./op-outputs.ts";
import {
  decodeSavedModel,
  type MetaGraphDef,
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

/**
 * Imports a SavedModel directory for the embedded engine.
 *
 * @throws StatusError that names what is missing, damaged or not supported.
 */
export function readSavedModel(directory: string, choice: SavedModelChoice): GraphParts {
  const metaGraph = chooseMetaGraph(readMetaGraphs(directory), choice.tag, directory);
  const signature = chooseSignature(metaGraph, choice.signatureName, directory);
  const { graphDef } = metaGraph;
  if (graphDef === null) throw new StatusError("INTERNAL", `'${directory}' has no graph`);
  const opDefs = new Map((metaGraph.metaInfoDef?.strippedOpList?.op ?? []).map((op) => [op.name, op]));
  const variables = new Variables(directory);
  const source: GraphSource = { graph: graphDef, opDefs, variable: (name) => variables.read(name) };
  variables.restoreFrom(new GraphImporter(source).restoredVariables());

  const inputs = entriesOf(signature.inputs);
  const outputs = entriesOf(signature.outputs);
  const imported = new GraphImporter(source).importGraph(
    inputs.map(([, info]) => info.name),
    outputs.map(([, info]) => info.name),
  );
  checkOperations(imported);
  const { artifacts, outputNodes } = exportGraph(imported);
  return {
    artifacts,
    signature: modelSignature(inputs, outputs),
    inputNodes: new Map(inputs.map(([name, info]) => [name, parseReference(info.name).node])),
    outputNodes: new Map(outputs.map(([name], index) => [name, outputNodes[index] ?? name])),
  };
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

function modelSignature(
  inputs: readonly (readonly [string, TensorInfo])[],
  outputs: readonly (readonly [string, TensorInfo])[],
): ModelSignature {
  const tensors = (entries: readonly (readonly [string, TensorInfo])[]): TensorSignature[] =>
    entries.map(([name, info]) => {
      const { name: modelType, datatype } = tensorFlowType(info.dtype);
      const shape = info.tensorShape;
      const isKnown = shape !== null && !shape.unknownRank;
      return { name, datatype, modelType, shape: isKnown ? shape.dim.map((dim) => dim.size) : null };
    });
  return { inputs: tensors(inputs), outputs: tensors(outputs) };
}

/** The variables of a SavedModel, each read at most once. */
class Variables {
  readonly #prefix: string;
  #keys: ReadonlyMap<string, string> = new Map();
  #bundle: CheckpointBundle | null = null;

  constructor(directory: string) {
    this.#prefix = path.join(directory, "variables", "variables");
  }

  restoreFrom(keys: ReadonlyMap<string, string>): void {
    this.#keys = keys;
  }

  read(name: string): Constant {
    const key = this.#keys.get(name);
    if (key === undefined) {
      throw new StatusError(
        "UNSUPPORTED",
        `variable '${name}' is not in the checkpoint: variables that only an initialiser fills are not supported yet`,
      );
    }
    this.#bundle ??= new CheckpointBundle(this.#prefix);
    return this.#bundle.read(key);
  }
}
