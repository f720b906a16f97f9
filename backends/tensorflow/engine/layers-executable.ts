import type { Tensor, io } from "@tensorflow/tfjs-core";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { DataType } from "../../../server/core/data-type.ts";
import type { ModelSignature, TensorSignature } from "../../backend.ts";
import type { ExecutableModel } from "./executable-model.ts";
import { loadLayers, tf } from "./tensorflow-js.ts";

/** Loads a layers model. @throws Error of TensorFlow.js when a layer is not known or a weight is missing. */
export async function loadLayersExecutable(artifacts: io.ModelArtifacts): Promise<ExecutableModel> {
  return new LayersExecutable(await loadLayers().loadLayersModel(tf.io.fromMemory(artifacts)));
}

const datatypes: ReadonlyMap<string, DataType> = new Map<string, DataType>([
  ["float32", "FP32"],
  ["int32", "INT32"],
  ["bool", "BOOL"],
  ["string", "BYTES"],
]);

/** Tensors have the names of the layers that make them; further ones of the same layer get a number. */
function signatureOf(tensors: readonly SymbolicTensor[]): TensorSignature[] {
  const taken = new Set<string>();
  return tensors.map((tensor, i) => {
    const layer = tensor.sourceLayer.name;
    const name = taken.has(layer) ? `${layer}_${i}` : layer;
    taken.add(name);
    return {
      name,
      datatype: datatypes.get(tensor.dtype) ?? null,
      modelType: tensor.dtype,
      shape: tensor.shape.map((dim) => dim ?? -1),
    };
  });
}

class LayersExecutable implements ExecutableModel {
  readonly signature: ModelSignature;
  readonly #model: LayersModel;

  constructor(model: LayersModel) {
    this.#model = model;
    this.signature = { inputs: signatureOf(model.inputs), outputs: signatureOf(model.outputs) };
  }

  run(inputs: ReadonlyMap<string, Tensor>, outputs: readonly string[]): readonly Tensor[] {
    const feeds = this.signature.inputs.map(({ name }) => {
      const tensor = inputs.get(name);
      if (tensor === undefined) throw new Error(`Input '${name}' was not fed. This is a bug.`);
      return tensor;
    });
    return tf.tidy(() => {
      // `predict` would cut the batch into pieces of 32 and join them again.
      const results = this.#model.predictOnBatch(
        feeds.length === 1 && feeds[0] !== undefined ? feeds[0] : feeds,
      );
      const all = Array.isArray(results) ? results : [results];
      return outputs.flatMap((name) => {
        const result = all[this.signature.outputs.findIndex((output) => output.name === name)];
        return result === undefined ? [] : [tf.clone(result)];
      });
    });
  }

  dispose(): void {
    this.#model.dispose();
  }
}
