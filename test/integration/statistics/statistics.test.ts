import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failingModel, identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverGrpc, inferRowsOverHttp, row, rowModelConfig } from "../../helpers/fp32-rows.ts";
import { failureOf } from "../../helpers/grpc-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

interface Duration {
  readonly count: number;
  readonly ns: number;
}

interface ModelStats {
  readonly name: string;
  readonly version: string;
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<string, Duration>>;
  readonly batch_stats: readonly ({ readonly batch_size: number } & Record<string, Duration | number>)[];
}

const durations = [
  "success",
  "fail",
  "queue",
  "compute_input",
  "compute_infer",
  "compute_output",
  "cache_hit",
  "cache_miss",
];

const invalidArgument = 3;

describe("Statistics", () => {
  const repository = useRepository((made) => {
    const identity = identityModel("FP32");
    made.add("rows", { config: rowModelConfig(), versions: { 1: identity } });
    made.add("versions", {
      config: rowModelConfig({ version_policy: { all: {} } }),
      versions: { 2: identity, 10: identity },
    });
    made.add("failing", { versions: { 1: failingModel() } });
    made.add("reloaded", { config: rowModelConfig(), versions: { 1: identity } });
    made.add("broken", { config: rowModelConfig(), versions: { 1: new Uint8Array(3) } });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=poll",
    "--repository-poll-secs=1",
    "--exit-on-error=false",
  ]);

  async function overHttp(path: string): Promise<ModelStats[]> {
    const reply = await server.current.http.get(`/v2/models/${path}stats`);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.headers["content-type"], "application/json");
    return (reply.json() as { model_stats: ModelStats[] }).model_stats;
  }

  async function overGrpc(request: Record<string, unknown>): Promise<unknown> {
    return (await server.current.grpc.call("ModelStatistics", request))["model_stats"];
  }

  async function statsOf(model: string): Promise<ModelStats> {
    const [stats, ...others] = await overHttp(`${model}/`);
    assert.ok(stats !== undefined && others.length === 0);
    return stats;
  }

  it("count requests, rows, executions and batch sizes over both protocols", async () => {
    const before = await statsOf("rows");
    assert.deepEqual([before.last_inference, before.inference_count, before.execution_count], [0, 0, 0]);
    const startMs = Date.now();
    await inferRowsOverHttp(server.current.http, "rows", [row(1), row(2), row(3)]);
    await inferRowsOverGrpc(server.current.grpc, "rows", [row(1)]);
    await inferRowsOverGrpc(server.current.grpc, "rows", [row(1), row(2), row(3)]);
    const stats = await statsOf("rows");
    assert.deepEqual([stats.inference_count, stats.execution_count], [7, 3]);
    assert.ok(stats.last_inference >= startMs && stats.last_inference <= Date.now());
    assert.deepEqual(Object.keys(stats.inference_stats), durations);
    const counts = Object.values(stats.inference_stats).map(({ count }) => count);
    assert.deepEqual(counts, [3, 0, 3, 3, 3, 3, 0, 0]);
    assert.deepEqual(
      stats.batch_stats.map(({ batch_size, compute_infer }) => [
        batch_size,
        (compute_infer as Duration).count,
      ]),
      [
        [1, 1],
        [3, 2],
      ],
    );
  });

  it("durations are whole nanoseconds, and a request lasts at least as long as its parts", async () => {
    await inferRowsOverHttp(server.current.http, "rows", [row(1)]);
    const { inference_stats } = await statsOf("rows");
    for (const { ns } of Object.values(inference_stats)) assert.ok(Number.isSafeInteger(ns));
    const ns = (part: string): number => inference_stats[part]?.ns ?? Number.NaN;
    const parts = ns("queue") + ns("compute_input") + ns("compute_infer") + ns("compute_output");
    // Each sum is rounded to a nanosecond.
    assert.ok(ns("success") >= parts - 4 && ns("compute_infer") > 0, JSON.stringify(inference_stats));
  });

  it("are the same over both protocols", async () => {
    await inferRowsOverHttp(server.current.http, "rows", [row(1)]);
    /** 64-bit integers are texts in protobufjs' objects. */
    const asTexts = (stats: unknown): unknown =>
      JSON.parse(
        JSON.stringify(stats, (_, value: unknown) => (typeof value === "number" ? String(value) : value)),
      );
    assert.deepEqual(await overGrpc({ name: "rows" }), asTexts(await overHttp("rows/")));
    assert.deepEqual(await overGrpc({}), asTexts(await overHttp("")));
  });

  it("of all models are those of all ready versions, in order", async () => {
    const all = await overHttp("");
    assert.deepEqual(
      all.map(({ name, version }) => `${name} ${version}`),
      ["failing 1", "reloaded 1", "rows 1", "versions 2", "versions 10"],
    );
  });

  it("of a model are those of its ready versions, or of the one that is named", async () => {
    await inferRowsOverHttp(server.current.http, "versions/versions/2", [row(1)]);
    const counts = (stats: readonly ModelStats[]): unknown =>
      stats.map(({ version, inference_count }) => [version, inference_count]);
    assert.deepEqual(counts(await overHttp("versions/")), [
      ["2", 1],
      ["10", 0],
    ]);
    assert.deepEqual(counts(await overHttp("versions/versions/10/")), [["10", 0]]);
  });

  for (const [what, name, version] of [
    ["an unknown model", "nowhere", ""],
    ["an unknown version", "rows", "9"],
    ["a model that is not ready", "broken", ""],
    ["a version that is not ready", "broken", "1"],
  ] as const) {
    it(`of ${what} are refused as not available`, async () => {
      const path = version === "" ? name : `${name}/versions/${version}`;
      const reply = await server.current.http.get(`/v2/models/${path}/stats`);
      assert.equal(reply.status, 400);
      assert.match(reply.error, new RegExp(`^Statistics are not available: model '${name}'`));
      const { code, message } = await failureOf(overGrpc({ name, version }));
      assert.deepEqual([code, message], [invalidArgument, reply.error]);
    });
  }

  it("count a failed execution as a failure of its requests and as nothing else", async () => {
    const input = { name: "INPUT0", datatype: "INT64", shape: [1, 1], data: [1_000] };
    const reply = await server.current.http.post("/v2/models/failing/infer", { inputs: [input] });
    assert.equal(reply.status, 500);
    const { inference_stats, batch_stats, ...stats } = await statsOf("failing");
    assert.equal(inference_stats["fail"]?.count, 1);
    assert.ok(inference_stats["fail"].ns > 0);
    assert.equal(inference_stats["success"]?.count, 0);
    assert.deepEqual(batch_stats, []);
    assert.deepEqual([stats.inference_count, stats.execution_count, stats.last_inference], [0, 0, 0]);
  });

  it("begin again when a model is reloaded", async () => {
    await inferRowsOverHttp(server.current.http, "reloaded", [row(1)]);
    assert.equal((await statsOf("reloaded")).inference_count, 1);
    repository.current.replaceFile(identityModel("FP32"), "reloaded", "1", "model.onnx");
    await waitUntil("the model is reloaded", async () => (await statsOf("reloaded")).inference_count === 0);
    assert.deepEqual((await statsOf("reloaded")).batch_stats, []);
  });

  it("are not for another method than GET", async () => {
    assert.equal((await server.current.http.post("/v2/models/stats", {})).status, 405);
    assert.equal((await server.current.http.post("/v2/models/rows/stats", {})).status, 405);
  });
});
