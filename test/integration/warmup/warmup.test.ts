import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { failingModel, identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverGrpc, inferRowsOverHttp, row, rowModelConfig } from "../../helpers/fp32-rows.ts";
import { useServer } from "../../helpers/start-server.ts";
import { type TemporaryRepository, useRepository } from "../../helpers/temporary-repository.ts";
import { sampleRepository } from "../infer/simple-models.ts";
import { negatedModel } from "../repository/negated-model.ts";

const seven = Buffer.from(row(7).buffer);
const input = (source: object, dims = [16]): object => ({
  INPUT0: { data_type: "TYPE_FP32", dims, ...source },
});
const index = (source: object): object => ({ INPUT0: { data_type: "TYPE_INT64", dims: [1], ...source } });

function writeWarmupFile(
  repository: TemporaryRepository,
  model: string,
  name: string,
  bytes: Uint8Array,
): void {
  mkdirSync(path.join(repository.path, model, "warmup"), { recursive: true });
  writeFileSync(path.join(repository.path, model, "warmup", name), bytes);
}

describe("Warm-up", () => {
  const repository = useRepository((made) => {
    made.add("warm", {
      config: rowModelConfig({
        instance_group: [{ kind: "KIND_CPU", count: 2 }],
        model_warmup: [
          { name: "zeros", batch_size: 16, inputs: input({ zero_data: true }), count: 3 },
          { name: "random", batch_size: 1, inputs: input({ random_data: true }) },
          { name: "skipped", batch_size: 0, inputs: input({ zero_data: true }, [99]) },
        ],
      }),
      versions: { 1: identityModel("FP32") },
    });
    made.add("reloaded", { config: rowModelConfig(), versions: { 1: identityModel("FP32") } });
    made.add("table", { config: { backend: "onnxruntime" }, versions: { 1: failingModel() } });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    `--model-repository=${sampleRepository}`,
    "--model-control-mode=explicit",
    "--load-model=warm",
    "--load-model=reloaded",
  ]);

  async function load(name: string): Promise<string> {
    const reply = await server.current.http.post(`/v2/repository/models/${name}/load`, {});
    return reply.status === 200 ? "" : reply.error;
  }

  it("is over when the model answers, and counts nowhere", async () => {
    const page = await server.current.metrics();
    assert.deepEqual(page.model("warm"), { success: 0, inferences: 0, executions: 0, pending: 0 });
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "warm", [row(7)]), seven);
    assert.deepEqual(await inferRowsOverGrpc(server.current.grpc, "warm", [row(7)]), seven);
    const { execution_count } = (
      (await server.current.http.get("/v2/models/warm/stats")).json() as {
        model_stats: { execution_count: number }[];
      }
    ).model_stats[0]!;
    assert.equal(execution_count, 2);
  });

  it("is shown in the config of the model", async () => {
    const config = (await server.current.http.get("/v2/models/warm/config")).json() as {
      model_warmup: object[];
    };
    assert.deepEqual(config.model_warmup[1], {
      name: "random",
      batch_size: 1,
      inputs: { INPUT0: { data_type: "TYPE_FP32", dims: [16], random_data: true } },
      count: 1,
    });
  });

  it("that fails keeps the model from being loaded, and the old version serves on (row 121)", async () => {
    const bad = (sample: object): object =>
      rowModelConfig({ model_warmup: [{ name: "x", batch_size: 1, ...sample }] });
    const cases: [object, RegExp][] = [
      [bad({ inputs: input({ zero_data: true }, [5]) }), /failed to run warmup sample 'x': unexpected shape/],
      [bad({ inputs: input({ input_data_file: "none" }) }), /failed to run warmup sample 'x': cannot read/],
      [
        bad({ inputs: input({ input_data_file: "../../warm/config.json" }) }),
        /leads out of the model's directory/,
      ],
      [bad({ inputs: input({}) }), /must have one of zero_data/],
      [bad({ inputs: input({ zero_data: true }, [-1]) }), /must have a size for each dimension/],
    ];
    for (const [config, message] of cases) {
      repository.current.add("reloaded", { config, versions: { 1: negatedModel() } });
      writeWarmupFile(repository.current, "reloaded", "short", new Uint8Array(3));
      assert.match(await load("reloaded"), message);
      assert.deepEqual(await inferRowsOverHttp(server.current.http, "reloaded", [row(7)]), seven);
    }
  });

  it("runs the values of a file, and fails when the model fails on them (row 121)", async () => {
    const config = (filename: string): object => ({
      backend: "onnxruntime",
      model_warmup: [{ name: "lookup", batch_size: 1, inputs: index({ input_data_file: filename }) }],
    });
    for (const [value, message] of [
      [9n, /failed to run warmup sample 'lookup': .*(indices|out of|index)/i],
      [3n, /^$/],
    ] as const) {
      repository.current.add("table", { config: config("value"), versions: { 1: failingModel() } });
      writeWarmupFile(repository.current, "table", "value", new Uint8Array(BigInt64Array.of(value).buffer));
      assert.match(await load("table"), message);
    }
  });

  it("of a decoupled model takes whatever comes, in each of its executions (row 122)", async () => {
    const written: unknown = JSON.parse(
      readFileSync(path.join(sampleRepository, "repeat_int32", "config.json"), "utf8"),
    );
    const values = (data_type: string, dims: number[]): object => ({ data_type, dims, zero_data: true });
    const inputs = (count: number): object => ({
      IN: values("TYPE_INT32", [count]),
      DELAY: values("TYPE_UINT32", [count]),
      WAIT: values("TYPE_UINT32", [1]),
    });
    const loadWith = async (model_warmup: object[]): Promise<string> => {
      const config = JSON.stringify({ ...(written as object), model_warmup });
      const path = "/v2/repository/models/repeat_int32/load";
      const reply = await server.current.http.post(path, { parameters: { config } });
      return reply.status === 200 ? "" : reply.error;
    };
    const good = [1, 3].map((count) => ({
      name: `${count}`,
      batch_size: 1,
      count: 2,
      inputs: inputs(count),
    }));
    assert.equal(await loadWith(good), "");
    // As many delays as values: the model itself refuses anything else.
    const uneven = { ...inputs(2), DELAY: values("TYPE_UINT32", [1]) };
    assert.match(
      await loadWith([...good, { name: "uneven", batch_size: 1, inputs: uneven }]),
      /failed to run warmup sample 'uneven': /,
    );
    const page = await server.current.metrics();
    assert.equal(page.model("repeat_int32").executions, 0);
  });

  it("of models that keep sequences is a sequence of its own, with and without states (row 122)", async () => {
    for (const [name, input, data_type] of [
      ["simple_sequence", "INPUT", "TYPE_INT32"],
      ["simple_string_dyna_sequence", "INPUT", "TYPE_INT32"],
      ["running_parity", "bit", "TYPE_FP32"],
    ] as const) {
      const file = path.join(sampleRepository, name, "config.json");
      const written = JSON.parse(readFileSync(file, "utf8")) as { max_batch_size: number };
      const inputs = { [input]: { data_type, dims: [1], zero_data: true } };
      const samples = [1, written.max_batch_size].map((batch_size) => ({
        name: "s",
        batch_size,
        count: 2,
        inputs,
      }));
      const config = JSON.stringify({ ...written, model_warmup: samples });
      const reply = await server.current.http.post(`/v2/repository/models/${name}/load`, {
        parameters: { config },
      });
      assert.equal(reply.status, 200, reply.text);
      const page = await server.current.metrics();
      assert.equal(page.model(name).executions, 0);
    }
  });
});
