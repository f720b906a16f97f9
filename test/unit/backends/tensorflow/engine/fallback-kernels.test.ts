import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { startEngine } from "../../../../../backends/tensorflow/engine/tensorflow-engine.ts";
import { tf } from "../../../../../backends/tensorflow/engine/tensorflow-js.ts";

describe("registerFallbackKernels", () => {
  before(async () => {
    await startEngine("cpu");
    await startEngine("wasm");
  });

  it("lets the WASM engine have every kernel that the CPU engine has", () => {
    const missing = tf
      .getKernelsForBackend("cpu")
      .filter(({ kernelName }) => (tf.getKernel(kernelName, "wasm") as unknown) === undefined);
    assert.deepEqual(
      missing.map(({ kernelName }) => kernelName),
      [],
    );
  });

  it("runs kernels on the CPU engine when an input has strings", () => {
    const texts = tf.concat([tf.tensor1d(["a", "b"]), tf.tensor1d(["c"])]);
    assert.deepEqual(texts.dataSync(), ["a", "b", "c"] as never);
    texts.dispose();
  });
});
