import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { before, describe, it } from "mocha";
import { liveTensorCount, startEngine } from "../../../../../backends/tensorflow/engine/tensorflow-engine.ts";
import {
  conformanceCases,
  largestRelativeDifference,
  loadTensorFlow,
  nativeFailures,
  runTensorFlow,
  tensorFlowFixtures,
} from "../../../../helpers/tensorflow-case.ts";

const root = path.resolve(import.meta.dirname, "../../../../../..");
const tolerance = 1e-4;

/** What the embedded engine cannot run, by case: the operation that it lacks. */
const missingOperations: Readonly<Record<string, string>> = {
  rfft_magnitude: "ComplexAbs",
};

const cases = conformanceCases();

/** The table of docs/tensorflow.md. Its native column is what the suite of the native engine holds true. */
function resultTable(): string {
  const families = [...new Set(cases.map((entry) => entry.family))];
  const rows = families.map((family) => {
    const names = cases.filter((entry) => entry.family === family).map((entry) => entry.name);
    const failed = names.filter((name) => name in missingOperations);
    const lacking = failed.map((name) => `\`${name}\` (${missingOperations[name]})`).join(", ");
    const passed = names.filter((name) => !failed.includes(name)).map((name) => `\`${name}\``);
    const nativeCount = names.filter((name) => !(name in nativeFailures)).length;
    return `| ${family} | ${passed.length} of ${names.length} | ${nativeCount} of ${names.length} | ${passed.join(", ")} | ${lacking === "" ? "–" : lacking} |`;
  });
  const head = "| family | WASM | native | passing under both | not supported by WASM, for lack of |";
  return [head, "|---|---|---|---|---|", ...rows].join("\n");
}

describe("SavedModel importer", () => {
  before(async () => startEngine("wasm"));

  it("is tested with at least 60 models", () => {
    assert.ok(cases.length - Object.keys(missingOperations).length >= 60);
  });

  for (const entry of cases) {
    const directory = path.join(tensorFlowFixtures, "conformance", entry.name);
    const missing = missingOperations[entry.name];
    if (missing !== undefined) {
      it(`refuses ${entry.name} and names ${missing}`, async () => {
        await assert.rejects(loadTensorFlow(directory), new RegExp(`operation '${missing}' of node '[^']+'`));
      });
      continue;
    }
    it(`computes ${entry.name} as TensorFlow does`, async () => {
      const unloaded = liveTensorCount();
      const instance = await loadTensorFlow(directory);
      const outputs = await runTensorFlow(instance, [entry.input]);
      const ran = liveTensorCount();
      await runTensorFlow(instance, [entry.input]);
      assert.equal(liveTensorCount(), ran, "tensors are left over from a batch");
      assert.deepEqual([...outputs.keys()], Object.keys(entry.outputs));
      for (const [name, expected] of Object.entries(entry.outputs)) {
        const signature = instance.signature.outputs.find((output) => output.name === name);
        assert.equal(signature?.datatype, expected.datatype);
        const actual = outputs.get(name);
        assert.ok(actual !== undefined);
        assert.deepEqual(actual.shape, expected.shape);
        const bytes = Buffer.from(expected.data, "base64");
        if (expected.datatype === "FP32") {
          const difference = largestRelativeDifference(actual.data, bytes);
          assert.ok(difference <= tolerance, `${name} differs by ${difference}`);
        } else assert.deepEqual(Buffer.from(actual.data), bytes);
      }
      await instance.finalize();
      assert.equal(liveTensorCount(), unloaded, "tensors are left over from the model");
    });
  }

  it("has its results in docs/tensorflow.md", () => {
    assert.ok(
      readFileSync(path.join(root, "docs/tensorflow.md"), "utf8").includes(resultTable()),
      `the table in docs/tensorflow.md should be:\n\n${resultTable()}`,
    );
  });
});
