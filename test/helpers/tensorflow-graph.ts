/** A node of a graph model: what it computes from which nodes. */
export interface GraphNodeSpec {
  readonly op: string;
  readonly input: readonly string[];
  readonly attr?: object;
}

/** A tensor that goes into or comes out of a graph model. */
export interface GraphTensorSpec {
  readonly dtype: "DT_FLOAT" | "DT_INT32" | "DT_BOOL" | "DT_INT64";
  readonly shape: readonly number[];
}

/** `model.json` of a TensorFlow.js graph model without weights. Outputs are nodes; inputs get a placeholder each. */
export function graphModelJson(
  inputs: Readonly<Record<string, GraphTensorSpec>>,
  nodes: Readonly<Record<string, GraphNodeSpec>>,
  outputs: Readonly<Record<string, GraphTensorSpec>>,
): string {
  const infos = (tensors: Readonly<Record<string, GraphTensorSpec>>): object =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { dtype, shape }]) => [
        name,
        { name: `${name}:0`, dtype, tensorShape: { dim: shape.map((size) => ({ size: String(size) })) } },
      ]),
    );
  const placeholders = Object.entries(inputs).map(([name, { dtype }]) => ({
    name,
    op: "Placeholder",
    input: [],
    attr: { dtype: { type: dtype }, shape: { shape: { unknownRank: true } } },
  }));
  const computed = Object.entries(nodes).map(([name, node]) => ({ name, attr: {}, ...node }));
  return JSON.stringify({
    format: "graph-model",
    modelTopology: { node: [...placeholders, ...computed], versions: { producer: 1 } },
    weightsManifest: [],
    signature: { inputs: infos(inputs), outputs: infos(outputs) },
  });
}
