import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { liveTensorCount } from "../../backends/tensorflow/engine/tensorflow-engine.ts";
import { tf } from "../../backends/tensorflow/engine/tensorflow-js.ts";
import { restoreRemovedFunctions } from "../../backends/tensorflow/native/native-tensorflow-js.ts";
import { installedNativeEngine } from "../helpers/native-tensorflow.ts";
import {
  largestRelativeDifference,
  loadTensorFlow,
  runTensorFlow,
  type StoredTensor,
  tensorFlowFixtures,
} from "../helpers/tensorflow-case.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const native = installedNativeEngine();
const { digits_js: sample } = JSON.parse(
  readFileSync(path.join(tensorFlowFixtures, "samples.json"), "utf8"),
) as Record<
  string,
  { readonly inputs: Record<string, StoredTensor>; readonly outputs: Record<string, StoredTensor> }
>;

describe("TensorFlow.js model in native TensorFlow", () => {
  it("runs in TensorFlow's engine and keeps no tensor over 10,000 batches", async function () {
    this.timeout(120_000);
    const model = path.join(root, "model_repository/digits_js/1/model.json");
    const instance = await loadTensorFlow(model, { native, platform: "tensorflow_js" });
    assert.equal(tf.getBackend(), "tensorflow");
    const inputs = [sample!.inputs["image"]!];
    const outputs = await runTensorFlow(instance, inputs);
    const expected = Buffer.from(sample!.outputs["probabilities"]!.data, "base64");
    assert.ok(largestRelativeDifference([...outputs.values()][0]!.data, expected) <= 1e-4);
    const before = liveTensorCount();
    for (let i = 0; i < 10_000; i++) await runTensorFlow(instance, inputs);
    assert.equal(liveTensorCount(), before);
    await instance.finalize();
  });

  it("puts functions back that newer versions of Node.js removed, and leaves others alone", () => {
    const present = (): boolean => true;
    const util: Record<string, unknown> = { isArray: present };
    restoreRemovedFunctions(util);
    assert.equal(util["isArray"], present);
    const isNullOrUndefined = util["isNullOrUndefined"] as (value: unknown) => boolean;
    assert.deepEqual([null, undefined, 0, ""].map(isNullOrUndefined), [true, true, false, false]);
  });
});
