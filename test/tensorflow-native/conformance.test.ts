import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "mocha";
import { NativeModelInstance } from "../../backends/tensorflow/native/native-model-instance.ts";
import { installedNativeEngine } from "../helpers/native-tensorflow.ts";
import {
  conformanceCases,
  largestRelativeDifference,
  loadTensorFlow,
  nativeFailures,
  type ProducedTensor,
  runTensorFlow,
  type TensorFlowCase,
  tensorFlowFixtures,
} from "../helpers/tensorflow-case.ts";

const tolerance = 1e-4;
const native = installedNativeEngine();

function assertSame(entry: TensorFlowCase, actual: ReadonlyMap<string, ProducedTensor>): void {
  assert.deepEqual([...actual.keys()], Object.keys(entry.outputs));
  for (const [name, expected] of Object.entries(entry.outputs)) {
    const { shape, data } = actual.get(name) ?? assert.fail(name);
    assert.deepEqual(shape, expected.shape);
    const wanted = Buffer.from(expected.data, "base64");
    if (expected.datatype !== "FP32") assert.deepEqual(Buffer.from(data), wanted);
    else {
      const difference = largestRelativeDifference(data, wanted);
      assert.ok(difference <= tolerance, `${name} differs by ${difference}`);
    }
  }
}

describe("Native TensorFlow", () => {
  for (const entry of conformanceCases()) {
    const directory = path.join(tensorFlowFixtures, "conformance", entry.name);
    const failing = nativeFailures[entry.name];
    const title = failing === undefined ? `computes ${entry.name}` : `fails with ${entry.name}: ${failing}`;
    it(`${title} as Python's TensorFlow does, and keeps no tensor`, async () => {
      const instance = await loadTensorFlow(directory, { native });
      assert.ok(instance instanceof NativeModelInstance);
      const before = instance.liveTensorCount();
      const actual = await runTensorFlow(instance, [entry.input]);
      assert.equal(instance.liveTensorCount(), before);
      instance.finalize();
      if (failing === undefined) assertSame(entry, actual);
      else assert.throws(() => assertSame(entry, actual));
    });
  }
});
