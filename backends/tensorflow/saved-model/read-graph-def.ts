import { readFileSync } from "node:fs";
import type { DataType } from "../../../server/core/data-type.ts";
import { StatusError } from "../../../server/core/status.ts";
import type { ModelSignature, TensorSignature } from "../../backend.ts";
import type { GraphParts } from "../engine/graph-executable.ts";
import { checkOperations } from "./check-operations.ts";
import { dimsOf } from "./choose-graph.ts";
import { exportGraph } from "./export-graph.ts";
import type { Edge } from "./graph.ts";
import { GraphImporter } from "./graph-importer.ts";
import { type Attributes, decodeGraphDef, type GraphDef } from "./saved-model-proto.ts";
import { tensorFlowType, typeNumber } from "./tensorflow-type.ts";

/** A tensor of the configuration: a frozen graph does not say what its inputs and outputs are. */
export interface ConfiguredTensor {
  /** A tensor of the graph: `node` or `node:output`. */
  readonly name: string;
  readonly datatype: DataType;
}

/** The inputs and outputs that the configuration names. */
export interface ConfiguredTensors {
  readonly inputs: readonly ConfiguredTensor[];
  readonly outputs: readonly ConfiguredTensor[];
}

/**
 * Imports a frozen graph for the embedded engine.
 *
 * @throws StatusError that names what is missing, damaged or not supported.
 */
export function readGraphDef(file: string, configured: ConfiguredTensors): GraphParts {
  const graph = openGraphDef(file, configured);
  const source = {
    graph,
    opDefs: new Map(),
    variable: (name: string): never => {
      throw new StatusError(
        "INVALID_ARG",
        `the graph is not frozen: '${name}' is a variable, and a graph has no values for it`,
      );
    },
  };
  const imported = new GraphImporter(source).importGraph(
    configured.inputs.map((tensor) => tensor.name),
    configured.outputs.map((tensor) => tensor.name),
  );
  for (const [index, node] of imported.main.inputs.entries()) {
    if (node.op.startsWith("Placeholder")) continue;
    const name = configured.inputs[index]?.name ?? "";
    throw new StatusError(
      "INVALID_ARG",
      `input '${name}' is node of operation ${node.op}, not a Placeholder`,
    );
  }
  const outputTypes = imported.main.outputs.map((edge) => outputType(edge));
  checkOperations(imported);
  const { artifacts, outputNodes } = exportGraph(imported);
  const inputs = imported.main.inputs.map((node, i): TensorSignature => {
    const shape = node.attr["shape"]?.shape ?? null;
    return {
      name: configured.inputs[i]?.name ?? "",
      ...typeOf(node.attr["dtype"]?.type ?? 0),
      shape: dimsOf(shape),
    };
  });
  const outputs = configured.outputs.map((tensor, i): TensorSignature => {
    const type = outputTypes[i] ?? null;
    // What the graph does not tell is taken from the configuration, and checked with each result.
    const known = type === null ? { datatype: tensor.datatype, modelType: tensor.datatype } : typeOf(type);
    return { name: tensor.name, ...known, shape: null };
  });
  const signature: ModelSignature = { inputs, outputs };
  return {
    artifacts,
    signature,
    inputNodes: new Map(
      configured.inputs.map(({ name }, i) => [name, imported.main.inputs[i]?.name ?? name]),
    ),
    outputNodes: new Map(configured.outputs.map(({ name }, i) => [name, outputNodes[i] ?? name])),
  };
}

/**
 * Reads the graph itself.
 *
 * @throws StatusError when it is damaged, or the configuration does not say what goes in and comes out.
 */
export function openGraphDef(file: string, configured: ConfiguredTensors): GraphDef {
  if (configured.inputs.length === 0 || configured.outputs.length === 0) {
    throw new StatusError(
      "INVALID_ARG",
      "a frozen graph does not say what its inputs and outputs are: the configuration must list both, by the names of the graph's tensors",
    );
  }
  const bytes = readFileSync(file);
  let graph: GraphDef;
  try {
    graph = decodeGraphDef(bytes);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new StatusError("INTERNAL", `'${file}' is damaged: ${message}`, { cause: thrown });
  }
  if (graph.node.length > 0) return graph;
  throw new StatusError("INTERNAL", `'${file}' is no frozen graph, or an empty one`);
}

function typeOf(type: number): Pick<TensorSignature, "datatype" | "modelType"> {
  const { datatype, name } = tensorFlowType(type);
  return { datatype, modelType: name };
}

/** Operations whose result has a type of its own. */
const resultTypes: Readonly<Record<string, number | string>> = {
  ArgMax: "output_type",
  ArgMin: "output_type",
  Cast: "DstT",
  Const: "dtype",
  Placeholder: "dtype",
  Range: "Tidx",
  Shape: "out_type",
  Size: "out_type",
  Gather: "Tparams",
  GatherV2: "Tparams",
  GatherNd: "Tparams",
  Equal: typeNumber.bool,
  NotEqual: typeNumber.bool,
  Greater: typeNumber.bool,
  GreaterEqual: typeNumber.bool,
  Less: typeNumber.bool,
  LessEqual: typeNumber.bool,
  LogicalAnd: typeNumber.bool,
  LogicalNot: typeNumber.bool,
  LogicalOr: typeNumber.bool,
};

function outputType({ node, index }: Edge): number | null {
  return node.constant === null ? declaredOutputType(node, index) : node.constant.type;
}

/** TensorFlow's type of an output where the node's attributes tell it, else `null`. */
export function declaredOutputType(
  node: { readonly op: string; readonly attr: Attributes },
  index: number,
): number | null {
  const rule = resultTypes[node.op];
  if (typeof rule === "number") return rule;
  if (rule !== undefined) return node.attr[rule]?.type ?? null;
  return index === 0 ? (node.attr["T"]?.type ?? null) : null;
}
