import type { io } from "@tensorflow/tfjs-core";
import type { Edge, GraphBody, GraphNode, ImportedGraph } from "./graph.ts";
import type { Attributes, AttrValue } from "./saved-model-proto.ts";

/** An imported graph in the form that TensorFlow.js' graph executor loads. */
export interface ExportedGraph {
  readonly artifacts: io.ModelArtifacts;
  /** Names of the nodes that give the outputs, in their order. */
  readonly outputNodes: readonly string[];
}

interface JsonNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: object;
}

/** Strings of constants are length-prefixed in weight data. */
const stringHeaderBytes = 4;

/**
 * Writes a graph as the JSON and the weights that the executor reads. Each output gets a node of its own, so that two
 * outputs may be the same tensor and an input may be one.
 */
export function exportGraph(graph: ImportedGraph): ExportedGraph {
  const bodies = [graph.main, ...graph.functions.values()];
  const constants = bodies.flatMap((body) => body.nodes.filter((node) => node.constant !== null));
  const main = exportBody(graph.main);
  const library = [...graph.functions.values()].map((body) => exportFunction(body));
  return {
    artifacts: {
      modelTopology: {
        node: main.nodes,
        library: { function: library },
        versions: { producer: 0, minConsumer: 0 },
      },
      weightSpecs: constants.map((node) => weightSpec(node)),
      weightData: weightData(constants),
    },
    outputNodes: main.outputs,
  };
}

function exportBody(body: GraphBody): { nodes: JsonNode[]; outputs: string[] } {
  const nodes: JsonNode[] = body.nodes.map((node) => ({
    name: node.name,
    op: node.op,
    input: node.inputs.map(reference),
    attr: exportAttributes(node),
  }));
  const prefix = body.name === "" ? "" : `${body.name}/`;
  const outputs = body.outputs.map((edge, index) => {
    const name = `${prefix}nereid_output_${index}`;
    nodes.push({ name, op: "Identity", input: [reference(edge)], attr: {} });
    return name;
  });
  return { nodes, outputs };
}

function exportFunction(body: GraphBody): object {
  const { nodes, outputs } = exportBody(body);
  const inputs = new Set(body.inputs.map((node) => node.name));
  return {
    signature: {
      name: body.name,
      inputArg: body.inputs.map((node) => ({ name: node.name, type: node.attr["dtype"]?.type ?? 0 })),
      outputArg: outputs.map((name) => ({ name, type: 0 })),
    },
    // The executor makes the nodes of the arguments itself.
    nodeDef: nodes.filter((node) => !inputs.has(node.name)),
    ret: Object.fromEntries(outputs.map((name) => [name, name])),
  };
}

function reference({ node, index }: Edge): string {
  return index === 0 ? node.name : `${node.name}:${index}`;
}

function exportAttributes(node: GraphNode): object {
  const attr: Attributes = node.attr;
  const exported = Object.entries(attr)
    // Shapes are checked before a batch is formed, against the configuration.
    .filter(([name]) => !(node.op.startsWith("Placeholder") && name === "shape"))
    .map(([name, value]) => [name, exportAttribute(value)] as const);
  return Object.fromEntries(exported);
}

/** Bytes become base64, as in TensorFlow.js' files. */
function exportAttribute(value: AttrValue): object {
  if (value.s !== undefined) return { s: base64(value.s) };
  if (value.list !== undefined) return { list: { ...value.list, s: value.list.s.map(base64) } };
  return value;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function weightSpec(node: GraphNode): io.WeightsManifestEntry {
  const { shape, engineType } = constantOf(node);
  return { name: node.name, shape: [...shape], dtype: engineType };
}

function weightData(constants: readonly GraphNode[]): ArrayBuffer {
  const parts: Uint8Array[] = [];
  for (const node of constants) {
    const { values } = constantOf(node);
    if (ArrayBuffer.isView(values)) {
      parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      continue;
    }
    for (const element of values) {
      const header = new Uint8Array(stringHeaderBytes);
      new DataView(header.buffer).setUint32(0, element.byteLength, true);
      parts.push(header, element);
    }
  }
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined.buffer;
}

function constantOf(node: GraphNode): NonNullable<GraphNode["constant"]> {
  if (node.constant === null) throw new Error(`Node '${node.name}' is no constant. This is a bug.`);
  return node.constant;
}
