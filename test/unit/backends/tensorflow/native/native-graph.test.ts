import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { loadGraphDef } from "../../../../../backends/tensorflow/native/native-graph.ts";
import type { TensorFlowBinding } from "../../../../../backends/tensorflow/native/tensorflow-binding.ts";
import {
  decodeGraphDef,
  decodeSavedModel,
} from "../../../../../backends/tensorflow/saved-model/saved-model-proto.ts";
import type { ConfiguredTensor } from "../../../../../backends/tensorflow/saved-model/read-graph-def.ts";

const file = path.resolve(
  import.meta.dirname,
  "../../../../../../model_repository/diabetes_graphdef/1/model.graphdef",
);
const input: ConfiguredTensor = { name: "measurements", datatype: "FP32" };
const output: ConfiguredTensor = { name: "progression:0", datatype: "FP32" };

function load(inputs: readonly ConfiguredTensor[], outputs: readonly ConfiguredTensor[]) {
  const loaded: { directory: string; tags: string; model: Uint8Array }[] = [];
  const binding = {
    loadSavedModel(directory: string, tags: string): number {
      loaded.push({ directory, tags, model: readFileSync(path.join(directory, "saved_model.pb")) });
      return 7;
    },
  } as unknown as TensorFlowBinding;
  return { graph: loadGraphDef(binding, file, { inputs, outputs }), loaded: loaded[0] ?? assert.fail() };
}

describe("loadGraphDef", () => {
  it("gives the addon a SavedModel with the same graph, and takes it away afterwards", () => {
    const { graph, loaded } = load([input], [output]);
    const [metaGraph] = decodeSavedModel(loaded.model).metaGraphs;
    assert.deepEqual(metaGraph?.metaInfoDef?.tags, [loaded.tags]);
    assert.deepEqual(metaGraph.graphDef, decodeGraphDef(readFileSync(file)));
    assert.equal(existsSync(loaded.directory), false);
    assert.equal(graph.id, 7);
  });

  it("takes names, types and shapes from the graph and the configuration", () => {
    const { graph } = load([input], [output]);
    assert.deepEqual(graph.signature.inputs, [
      { name: "measurements", datatype: "FP32", modelType: "DT_FLOAT", shape: [-1, 10] },
    ]);
    assert.equal(graph.signature.outputs[0]?.datatype, "FP32");
    assert.deepEqual([...graph.inputTensors], [["measurements", "measurements:0"]]);
    assert.deepEqual([...graph.outputTensors], [["progression:0", "progression:0"]]);
  });

  it("names a tensor that the graph lacks, and an input that is none", () => {
    assert.throws(() => load([{ ...input, name: "other" }], [output]), /no node 'other' for tensor 'other'/);
    assert.throws(() => load([{ ...input, name: "progression" }], [output]), /not a Placeholder/);
    assert.throws(() => load([], [output]), /the configuration must list both/);
  });
});
