import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { writeTritonModels } from "../../../tools/fixture-repository.ts";
import { sumDifferenceModel } from "../../../tools/onnx-builder/model-zoo.ts";
import type { InferResponse } from "../../helpers/binary-infer.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const a = Array.from({ length: 16 }, (_, i) => i);
const b = a.map((value) => value * 10);
const sum = a.map((value, i) => value + (b[i] ?? 0));
const difference = a.map((value, i) => value - (b[i] ?? 0));

function int32(name: string, data: readonly number[]): object {
  return { name, datatype: "INT32", shape: [1, 16], data };
}

describe("A repository written for Triton, with config.pbtxt only", () => {
  const repository = useRepository((made) => {
    writeTritonModels(made.path);
    const versions = { 1: sumDifferenceModel() };
    made.add("both", { config: { max_batch_size: 3 }, pbtxt: "max_batch_size: 5", versions });
    made.add("changing", { pbtxt: "max_batch_size: 5", versions });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=poll",
    "--repository-poll-secs=1",
  ]);

  async function infer(model: string, inputs: readonly object[]): Promise<Map<string, unknown>> {
    const reply = await server.current.http.post(`/v2/models/${model}/infer`, { inputs });
    assert.equal(reply.status, 200, reply.text);
    const { outputs } = reply.json() as InferResponse;
    return new Map(outputs.map(({ name, data }) => [name, data]));
  }

  async function config(model: string): Promise<Record<string, unknown>> {
    return (await server.current.http.get(`/v2/models/${model}/config`)).json() as Record<string, unknown>;
  }

  async function maxBatchSize(model: string): Promise<unknown> {
    return (await config(model))["max_batch_size"];
  }

  it("has no config.json", () => {
    for (const model of ["triton_sum", "triton_pipeline"]) {
      assert.deepEqual(readdirSync(path.join(repository.current.path, model)).sort(), ["1", "config.pbtxt"]);
    }
  });

  it("is served over HTTP", async () => {
    const outputs = await infer("triton_sum", [int32("INPUT0", a), int32("INPUT1", b)]);
    assert.deepEqual(outputs.get("OUTPUT0"), sum);
    assert.deepEqual(outputs.get("OUTPUT1"), difference);
    const twice = await infer("triton_pipeline", [int32("A", a), int32("B", b)]);
    assert.deepEqual(
      twice.get("TWICE"),
      a.map((value) => value * 2),
    );
  });

  it("is served over gRPC", async () => {
    const contents = (name: string, data: readonly number[]): object => ({
      name,
      datatype: "INT32",
      shape: [1, 16],
      contents: { int_contents: data },
    });
    const response = await server.current.grpc.infer({
      model_name: "triton_sum",
      inputs: [contents("INPUT0", a), contents("INPUT1", b)],
    });
    const [first] = response.raw_output_contents;
    assert.deepEqual(
      a.map((_, i) => first?.readInt32LE(i * 4)),
      sum,
    );
  });

  it("shows the configuration as it was written", async () => {
    const served = await config("triton_sum");
    assert.deepEqual(served["version_policy"], { all: {} });
    assert.deepEqual(served["parameters"], { intra_op_thread_count: { string_value: "1" } });
    assert.deepEqual(
      (served["output"] as { name: string }[]).map(({ name }) => name),
      ["OUTPUT0", "OUTPUT1"],
    );
    const batching = served["dynamic_batching"] as { max_queue_delay_microseconds: number };
    assert.equal(batching.max_queue_delay_microseconds, 100);
  });

  it("is overruled by a config.json, and the log says so", async () => {
    assert.equal(await maxBatchSize("both"), 3);
    assert.match(
      server.current.log,
      /Model 'both' has a config\.json and a config\.pbtxt: '.*pbtxt' is not read/,
    );
  });

  it("is loaded again when a config.pbtxt has changed", async () => {
    assert.equal(await maxBatchSize("changing"), 5);
    repository.current.replaceFile("max_batch_size: 6", "changing", "config.pbtxt");
    await waitUntil("the new configuration serves", async () => (await maxBatchSize("changing")) === 6);
  });

  it("keeps serving when a config.pbtxt has become wrong, and the log says where (row 92)", async () => {
    repository.current.replaceFile("max_batch_size: 6\nmax_batchsize: 7", "changing", "config.pbtxt");
    const wrong = /changing\/config\.pbtxt: line 2, column 1: unknown field .*max_batchsize.*max_batch_size/;
    await waitUntil("the log tells of it", () => Promise.resolve(wrong.test(server.current.log)));
    assert.equal(await maxBatchSize("changing"), 6);
  });
});
