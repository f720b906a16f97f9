import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, loadLayersModel, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { DataType } from "../../../server/core/data-type.ts";
import type { ModelSignature, TensorSignature } from "../../backend.ts";
import type { ExecutableModel } from "./executable-model.ts";

/** Loads a layers model. @throws Error of TensorFlow.js when a layer is not known or a weight is missing. */
export async function loadLayersExecutable(artifacts: tf.io.ModelArtifacts): Promise<ExecutableModel> {
  return new LayersExecutable(await loadLayersModel(tf.io.fromMemory(artifacts)));
}

const datatypes: ReadonlyMap<string, DataType> = new Map<string, DataType>([
  ["float32", "FP32"],
  ["int32", "INT32"],
  ["bool", "BOOL"],
  ["string", "BYTES"],
]);

class LayersExecutable implements ExecutableModel {
  readonly signature: ModelSignature;
  readonly #model: LayersModel;

  constructor(model: LayersModel) {
    this.#model = model;
    const tensors = (names: readonly string[], symbolic: readonly SymbolicTensor[]): TensorSignature[] =>
      symbolic.map((tensor, i) => ({
        name: names[i] ?? tensor.name,
        datatype: datatypes.get(tensor.dtype) ?? null,
        modelType: tensor.dtype,
        shape: tensor.shape.map((dim) => dim ?? -1),
      }));
    this.signature = {
      inputs: tensors(model.inputNames, model.inputs),
      outputs: tensors(model.outputNames, model.outputs),
    };
  }

  run(inputs: ReadonlyMap<string, tf.Tensor>, outputs: readonly string[]): readonly tf.Tensor[] {
    const { inputNames, outputNames } = this.#model;
    const feeds = inputNames.map((name) => {
      const tensor = inputs.get(name);
      if (tensor === undefined) throw new Error(`Input '${name}' was not fed. This is a bug.`);
      return tensor;
    });
    // `predict` would cut the batch into pieces of 32 and join them again.
    return tf.tidy(() => {
      const results = this.#model.apply(feeds, { training: false }) as tf.Tensor | tf.Tensor[];
      const all = Array.isArray(results) ? results : [results];
      return outputs.flatMap((name) => {
        const result = all[outputNames.indexOf(name)];
        return result === undefined ? [] : [tf.clone(result)];
      });
    });
  }

  dispose(): void {
    this.#model.dispose();
  }
}
