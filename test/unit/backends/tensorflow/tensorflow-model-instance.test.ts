import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "mocha";
import { liveTensorCount } from "../../../../backends/tensorflow/engine/tensorflow-engine.ts";
import {
  conformanceCases,
  loadTensorFlow,
  runTensorFlow,
  tensorFlowFixtures,
} from "../../../helpers/tensorflow-case.ts";

const caseOf = (name: string): ReturnType<typeof conformanceCases>[number] =>
  conformanceCases().find((entry) => entry.name === name)!;
const modelOf = (name: string): string => path.join(tensorFlowFixtures, "conformance", name);

/** Runs a test with a directory of its own. */
async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), "nereid-tensorflow-"));
  try {
    await test(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("TensorFlowModelInstance", () => {
  it("keeps no tensors over 10,000 requests", async function () {
    this.timeout(60_000);
    const { input } = caseOf("mlp_dropout");
    const instance = await loadTensorFlow(modelOf("mlp_dropout"));
    await runTensorFlow(instance, [input]);
    const count = liveTensorCount();
    for (let i = 0; i < 10_000; i++) await runTensorFlow(instance, [input]);
    assert.equal(liveTensorCount(), count);
    await instance.finalize();
  });

  it("keeps no tensors of loops and of failed requests", async () => {
    const { input } = caseOf("lstm");
    const instance = await loadTensorFlow(modelOf("lstm"));
    await runTensorFlow(instance, [input]);
    const count = liveTensorCount();
    for (let i = 0; i < 100; i++) await runTensorFlow(instance, [input]);
    const wrong = { ...input, shape: [1, 15], data: Buffer.alloc(60).toString("base64") };
    for (let i = 0; i < 10; i++) await assert.rejects(runTensorFlow(instance, [wrong]), /tensorflow error/);
    assert.equal(liveTensorCount(), count);
    await runTensorFlow(instance, [input]);
    await instance.finalize();
  });

  it("fails a request whose INT64 sum leaves 32 bits instead of wrapping around", async () => {
    const instance = await loadTensorFlow(modelOf("sum_int64"));
    const values = BigInt64Array.from([2n ** 30n, 2n ** 30n, 1n, 1n, 1n]);
    const input = {
      datatype: "INT64",
      shape: [1, 5],
      data: Buffer.from(values.buffer).toString("base64"),
    } as const;
    await assert.rejects(runTensorFlow(instance, [input]), /leaves the range from -2147483648 to 2147483647/);
    await instance.finalize();
  });

  it("says what is wrong with a directory without saved_model.pb", () =>
    inDirectory((directory) => assert.rejects(loadTensorFlow(directory), /has no saved_model\.pb/)));

  it("says that saved_model.pb or the variables are damaged", () =>
    inDirectory(async (directory) => {
      const original = modelOf("dense_relu");
      writeFileSync(path.join(directory, "saved_model.pb"), "no protobuf");
      await assert.rejects(loadTensorFlow(directory), /saved_model\.pb' is damaged/);
      writeFileSync(
        path.join(directory, "saved_model.pb"),
        readFileSync(path.join(original, "saved_model.pb")),
      );
      const variables = path.join(directory, "variables");
      mkdirSync(variables);
      const copy = (name: string): Buffer => readFileSync(path.join(original, "variables", name));
      const dataName = "variables.data-00000-of-00001";
      const data = copy(dataName);
      data[0]! ^= 1;
      writeFileSync(path.join(variables, dataName), data);
      writeFileSync(path.join(variables, "variables.index"), copy("variables.index"));
      await assert.rejects(loadTensorFlow(directory), /checksum of variable '.+' is wrong/);
      const index = copy("variables.index");
      index[8]! ^= 1;
      writeFileSync(path.join(variables, "variables.index"), index);
      await assert.rejects(loadTensorFlow(directory), /index is damaged: a block's checksum is wrong/);
    }));

  it("does not read weights outside the version directory", () =>
    inDirectory(async (directory) => {
      const file = path.join(directory, "model.json");
      for (const name of ["../weights.bin", "https://example.com/weights.bin", "/etc/hosts"]) {
        writeFileSync(
          file,
          JSON.stringify({ modelTopology: {}, weightsManifest: [{ paths: [name], weights: [] }] }),
        );
        await assert.rejects(
          loadTensorFlow(file, { platform: "tensorflow_js" }),
          /must lie in the model's version directory/,
        );
      }
    }));

  it("wants a frozen graph's inputs and outputs in the configuration, by names that the graph has", async () => {
    const file = path.resolve(
      tensorFlowFixtures,
      "../../../model_repository/diabetes_graphdef/1/model.graphdef",
    );
    const platform = "tensorflow_graphdef";
    await assert.rejects(loadTensorFlow(file, { platform }), /the configuration must list both/);
    const tensor = (name: string): { name: string; datatype: "FP32" } => ({ name, datatype: "FP32" });
    const configured = { inputs: [tensor("measurements")], outputs: [tensor("nothing")] };
    await assert.rejects(loadTensorFlow(file, { platform, configured }), /the graph has no tensor 'nothing'/);
  });
});
