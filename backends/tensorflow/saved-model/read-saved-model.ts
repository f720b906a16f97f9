import path from "node:path";
import { StatusError } from "../../../server/core/status.ts";
import type { GraphParts } from "../engine/graph-executable.ts";
import { checkOperations } from "./check-operations.ts";
import { chooseGraph, type SavedModelChoice, signatureOf } from "./choose-graph.ts";
import { CheckpointBundle } from "./checkpoint-bundle.ts";
import type { Constant } from "./constant.ts";
import { exportGraph } from "./export-graph.ts";
import { GraphImporter, type GraphSource } from "./graph-importer.ts";
import { parseReference } from "./op-outputs.ts";
import { tensorFlowType } from "./tensorflow-type.ts";

/**
 * Imports a SavedModel directory for the embedded engine.
 *
 * @throws StatusError that names what is missing, damaged or not supported.
 */
export function readSavedModel(directory: string, choice: SavedModelChoice): GraphParts {
  const { metaGraph, inputs, outputs } = chooseGraph(directory, choice);
  const { graphDef } = metaGraph;
  if (graphDef === null) throw new StatusError("INTERNAL", `'${directory}' has no graph`);
  const opDefs = new Map((metaGraph.metaInfoDef?.strippedOpList?.op ?? []).map((op) => [op.name, op]));
  const variables = new Variables(directory);
  const source: GraphSource = { graph: graphDef, opDefs, variable: (name) => variables.read(name) };
  variables.restoreFrom(new GraphImporter(source).restoredVariables());

  const imported = new GraphImporter(source).importGraph(
    inputs.map(([, info]) => info.name),
    outputs.map(([, info]) => info.name),
  );
  checkOperations(imported);
  const { artifacts, outputNodes } = exportGraph(imported);
  return {
    artifacts,
    signature: signatureOf({ inputs, outputs }, (type) => tensorFlowType(type).datatype),
    inputNodes: new Map(inputs.map(([name, info]) => [name, parseReference(info.name).node])),
    outputNodes: new Map(outputs.map(([name], index) => [name, outputNodes[index] ?? name])),
  };
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
