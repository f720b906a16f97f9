import assert from "node:assert/strict";
import { after, describe, it } from "mocha";
import { fixedBatchModel, identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverHttp, row, rowModelConfig, rowsTensor } from "../../helpers/fp32-rows.ts";
import { failureOf } from "../../helpers/grpc-client.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { RunningServer, useServer } from "../../helpers/start-server.ts";
import { type RepositoryModel, useRepository } from "../../helpers/temporary-repository.ts";

/** A model that cannot be loaded, and what its error must say. */
interface BrokenModel extends RepositoryModel {
  readonly name: string;
  readonly what: string;
  readonly reasons: readonly RegExp[];
}

/** gRPC's NOT_FOUND. */
const notFound = 5;

const identity = identityModel("FP32");
const twoInputs = { name: "INPUT1", data_type: "TYPE_FP32", dims: [16] };
const input = (changes: object): object => ({
  input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [16], ...changes }],
});

const brokenModels: readonly BrokenModel[] = [
  {
    name: "corrupt",
    what: "a corrupt model file",
    config: rowModelConfig(),
    versions: { 1: Buffer.from("this is no ONNX model") },
    reasons: [/model\.onnx/, /protobuf|parse|INVALID/i],
  },
  {
    name: "truncated",
    what: "half a model file",
    versions: { 1: identity.subarray(0, identity.length / 2) },
    reasons: [/model\.onnx/, /protobuf|parse|INVALID/i],
  },
  {
    name: "no_file",
    what: "a version directory without a model file",
    config: rowModelConfig(),
    versions: { 1: null },
    reasons: [/no_file.1.model\.onnx/, /exist/],
  },
  {
    name: "no_version",
    what: "no version directory",
    config: rowModelConfig(),
    versions: {},
    reasons: [/at least one version must be available/, /has no version directory/],
  },
  {
    name: "odd_version",
    what: "version directories that are no numbers (row 86)",
    config: rowModelConfig(),
    versions: { "01": identity, abc: identity },
    reasons: [/at least one version must be available/],
  },
  {
    name: "no_backend",
    what: "no backend, no platform and no file that tells (row 117)",
    config: rowModelConfig({ backend: "" }),
    versions: { 1: null },
    reasons: [/Could not determine backend for model 'no_backend'|unexpected platform type ''/, /model\./],
  },
  {
    name: "bad_json",
    what: "a config that is not JSON",
    config: '{ "max_batch_size": 8,, }',
    versions: { 1: identity },
    reasons: [/bad_json.config\.json/, /line 1|:1:/],
  },
  {
    name: "misspelt",
    what: "a misspelt field in its config",
    config: rowModelConfig({ max_batch_sise: 4 }),
    versions: { 1: identity },
    reasons: [/misspelt.config\.json/, /max_batch_sise/, /did you mean "max_batch_size"/],
  },
  {
    name: "wrong_type",
    what: "a config with another datatype than the model's",
    config: rowModelConfig(input({ data_type: "TYPE_INT32" })),
    versions: { 1: identity },
    reasons: [/INPUT0/, /TYPE_INT32/, /TYPE_FP32/],
  },
  {
    name: "wrong_dims",
    what: "a config with other dimensions than the model's",
    config: rowModelConfig(input({ dims: [17] })),
    versions: { 1: identity },
    reasons: [/INPUT0/, /\[-1,\s*16\]/, /\[-1,\s*17\]/],
  },
  {
    name: "wrong_name",
    what: "a config with an input that the model lacks (row 115)",
    config: rowModelConfig(input({ name: "INPUT7" })),
    versions: { 1: identity },
    reasons: [/unexpected inference input 'INPUT7', allowed inputs are: INPUT0/],
  },
  {
    name: "extra_input",
    what: "a config with one input too many (row 114)",
    config: rowModelConfig({
      input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [16] }, twoInputs],
    }),
    versions: { 1: identity },
    reasons: [/configuration expects 2 inputs, model provides 1/],
  },
  {
    name: "fixed_batch",
    what: "max_batch_size for a model with a fixed first dimension (row 116)",
    config: rowModelConfig(),
    versions: { 1: fixedBatchModel() },
    reasons: [/max_batch_size|batch/],
  },
  {
    name: "not_built",
    what: "a field that is not built yet",
    config: rowModelConfig({ runtime: "x.js" }),
    versions: { 1: identity },
    reasons: [/not_built.config\.json/, /"runtime"/, /not supported yet/],
  },
  {
    name: "other_backend",
    what: "a backend that is not built yet",
    config: rowModelConfig({ backend: "python" }),
    versions: { 1: identity },
    reasons: [/backend 'python' is not supported yet/, /onnxruntime/],
  },
  {
    name: "no_such_gpu",
    what: "a GPU that is not there",
    config: rowModelConfig({ instance_group: [{ kind: "KIND_GPU", count: 1, gpus: [63] }] }),
    versions: { 1: identity },
    reasons: [/KIND_GPU/, /GPU 63 cannot be used/, /CUDA: /, /WebGPU: /],
  },
  {
    name: "half_broken",
    what: "one of two versions broken (row 82)",
    config: rowModelConfig({ version_policy: { all: {} } }),
    versions: { 1: identity, 2: Buffer.from("broken") },
    reasons: [/half_broken.2.model\.onnx/],
  },
];

describe("Models that cannot be loaded", () => {
  const second = useRepository((made) => {
    made.add("twice", { config: rowModelConfig(), versions: { 1: identity } });
  });
  const repository = useRepository((made) => {
    for (const { name, ...model } of brokenModels) made.add(name, model);
    made.add("twice", { config: rowModelConfig(), versions: { 1: identity } });
    made.add("good", { config: rowModelConfig(), versions: { 1: identity } });
  });
  const repositories = (): string[] =>
    [repository.current, second.current].map(({ path }) => `--model-repository=${path}`);
  const server = useServer(() => [...repositories(), "--exit-on-error=false"]);

  /** The log escapes quotes inside a message. */
  function reasonOf(log: string, name: string): string {
    const line = log.split("\n").find((text) => text.includes(`Failed to load model '${name}'`));
    return (line ?? "").replaceAll('\\"', '"');
  }

  for (const { name, what, reasons } of brokenModels) {
    it(`${what} fails the load with a reason, and the model is not found`, async () => {
      for (const reason of reasons) assert.match(reasonOf(server.current.log, name), reason);
      const reply = await server.current.http.get(`/v2/models/${name}`);
      assert.equal(reply.status, 404);
      assert.match(reply.error, new RegExp(`'${name}' has no available versions`));
      const { code } = await failureOf(server.current.grpc.call("ModelMetadata", { name }));
      assert.equal(code, notFound);
    });
  }

  it("a name in two repositories is served from neither", async () => {
    assert.match(reasonOf(server.current.log, "twice"), /model appears in two or more repositories/);
    assert.equal((await server.current.http.get("/v2/models/twice/ready")).status, 404);
  });

  it("the table at start has each of them with its reason", () => {
    const table = server.current.log.slice(server.current.log.indexOf("| Model "));
    for (const { name } of [...brokenModels, { name: "twice" }]) {
      assert.match(table, new RegExp(`^\\| ${name} +\\| .*UNAVAILABLE: `, "m"));
    }
    assert.match(table, /^\| good +\| 1 +\| READY/m);
  });

  it("the others serve", async () => {
    const bytes = await inferRowsOverHttp(server.current.http, "good", [row(7)]);
    assert.deepEqual(bytes, Buffer.from(rowsTensor(row(7)).data));
  });

  it("the server is alive and, by --strict-readiness, not ready (row 81)", async () => {
    assert.equal((await server.current.http.get("/v2/health/live")).status, 200);
    assert.equal((await server.current.http.get("/v2/health/ready")).status, 400);
    assert.deepEqual(await server.current.grpc.call("ServerReady", {}), { ready: false });
    assert.deepEqual(await server.current.grpc.call("ModelReady", { name: "good" }), { ready: true });
  });

  describe("with other options", () => {
    let other: RunningServer | null = null;
    after(() => other?.kill());

    it("the server is ready without --strict-readiness", async () => {
      other = await RunningServer.start([
        ...repositories(),
        "--exit-on-error=false",
        "--strict-readiness=false",
      ]);
      assert.equal((await other.http.get("/v2/health/ready")).status, 200);
      await other.stop();
    });

    it("the server ends with exit code 1 and all reasons by --exit-on-error, the default", async () => {
      const { code, stderr } = await ServerProcess.run(repositories());
      assert.equal(code, 1);
      for (const { name, reasons } of brokenModels) {
        for (const reason of reasons) assert.match(reasonOf(stderr, name), reason);
      }
      assert.match(stderr, /creating server: Internal - failed to load all models/);
    });
  });
});
