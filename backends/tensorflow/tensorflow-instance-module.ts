import type { ModelInstance, ModelInstanceInit } from "../backend.ts";
import type { TensorFlowOptions } from "./tensorflow-options.ts";

/**
 * What an instance's worker thread imports. Each engine is loaded only where it runs: TensorFlow.js takes a good part of
 * the time of a start, and a session of native TensorFlow needs none of it.
 *
 * @throws StatusError that says what the model needs and the engine lacks.
 */
export async function createModelInstance(init: ModelInstanceInit): Promise<ModelInstance> {
  const { native, platform } = init.options as TensorFlowOptions;
  if (native !== null && platform !== "tensorflow_js") {
    const { createNativeInstance } = await import("./native/native-model-instance.ts");
    return createNativeInstance(init);
  }
  const { createEmbeddedInstance } = await import("./tensorflow-model-instance.ts");
  return createEmbeddedInstance(init);
}
