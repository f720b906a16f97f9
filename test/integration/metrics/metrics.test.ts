import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failingModel, identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { binaryRequest } from "../../helpers/binary-infer.ts";
import {
  inferRowsOverGrpc,
  inferRowsOverHttp,
  row,
  rowModelConfig,
  rowsMessage,
} from "../../helpers/fp32-rows.ts";
import { failureOf } from "../../helpers/grpc-client.ts";
import type { MetricsPage } from "../../helpers/metrics-page.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

/** Families of the inference statistics, with what Prometheus takes them for. */
const inferenceFamilies: readonly string[] = [
  "nv_inference_request_success counter",
  "nv_inference_request_failure counter",
  "nv_inference_count counter",
  "nv_inference_exec_count counter",
  "nv_inference_pending_request_count gauge",
  "nv_inference_request_duration_us counter",
  "nv_inference_queue_duration_us counter",
  "nv_inference_compute_input_duration_us counter",
  "nv_inference_compute_infer_duration_us counter",
  "nv_inference_compute_output_duration_us counter",
  "nv_model_load_duration_secs gauge",
];

describe("Metrics", () => {
  const repository = useRepository((made) => {
    made.add("rows", {
      config: rowModelConfig({ metric_tags: { team: 'a "b" \\ c' } }),
      versions: { 1: identityModel("FP32") },
    });
    made.add("failing", { versions: { 1: failingModel() } });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  /** What an action adds to a series. */
  async function growth(
    action: () => Promise<unknown>,
    read: (page: MetricsPage) => readonly number[],
  ): Promise<number[]> {
    const before = read(await server.current.metrics());
    await action();
    const after = read(await server.current.metrics());
    return after.map((value, index) => value - before[index]!);
  }

  const counted =
    (model: string) =>
    (page: MetricsPage): number[] => {
      const { success, inferences, executions, pending } = page.model(model);
      return [success, inferences, executions, pending];
    };
  const failed =
    (model: string) =>
    (page: MetricsPage): number[] =>
      (["REJECTED", "CANCELED", "BACKEND", "OTHER"] as const).map((reason) => page.failures(model, reason));

  it("the page has every family, in the text format, at both spellings of its path", async () => {
    for (const path of ["", "/"]) {
      const reply = await server.current.http.get(`${server.current.addresses.metrics}${path}`);
      assert.equal(reply.status, 200);
      assert.match(
        reply.headers["content-type"] ?? "",
        /^text\/plain; version=0\.0\.4|^text\/plain; charset=utf-8/,
      );
    }
    const { families } = await server.current.metrics();
    for (const family of inferenceFamilies) assert.ok(families.includes(family), family);
  });

  it("another path is 404, and another method 405", async () => {
    const { metrics } = server.current.addresses;
    assert.equal((await server.current.http.get(metrics.replace("/metrics", "/other"))).status, 404);
    assert.equal((await server.current.http.request("POST", metrics)).status, 405);
  });

  it("requests, rows and executions are counted over both protocols", async () => {
    const action = async (): Promise<void> => {
      await inferRowsOverHttp(server.current.http, "rows", [row(1), row(2), row(3)]);
      await inferRowsOverGrpc(server.current.grpc, "rows", [row(1), row(2)]);
      await inferRowsOverGrpc(server.current.grpc, "rows", [row(1)]);
    };
    assert.deepEqual(await growth(action, counted("rows")), [3, 6, 3, 0]);
  });

  it("a refused request is counted nowhere", async () => {
    const action = async (): Promise<void> => {
      const { body, headers } = binaryRequest([
        { name: "INPUT9", datatype: "FP32", shape: [1, 16], data: new Uint8Array(64) },
      ]);
      const reply = await server.current.http.post("/v2/models/rows/infer", body, { headers });
      assert.equal(reply.status, 400);
      await failureOf(server.current.grpc.infer({ ...rowsMessage("rows", [row(1)]), model_version: "9" }));
    };
    assert.deepEqual(await growth(action, counted("rows")), [0, 0, 0, 0]);
    assert.deepEqual(await growth(action, failed("rows")), [0, 0, 0, 0]);
  });

  it("an execution that fails is counted as BACKEND for each request, over both protocols", async () => {
    const index = (value: number) => ({ name: "INPUT0", datatype: "INT64", shape: [1, 1], data: [value] });
    const action = async (): Promise<void> => {
      const reply = await server.current.http.post("/v2/models/failing/infer", { inputs: [index(1_000)] });
      assert.equal(reply.status, 500);
      assert.match(reply.error, /onnx runtime error/);
      const { data, ...tensor } = index(1_000);
      const contents = { int64_contents: data };
      const { code } = await failureOf(
        server.current.grpc.infer({ model_name: "failing", inputs: [{ ...tensor, contents }] }),
      );
      assert.equal(code, 13);
    };
    const both = (page: MetricsPage): number[] => [...failed("failing")(page), ...counted("failing")(page)];
    // Failed executions are none: only those that gave responses count.
    assert.deepEqual(await growth(action, both), [0, 0, 2, 0, 0, 0, 0, 0]);
    const good = async (): Promise<void> => {
      const reply = await server.current.http.post("/v2/models/failing/infer", { inputs: [index(2)] });
      assert.equal(reply.status, 200, reply.text);
    };
    assert.deepEqual(await growth(good, counted("failing")), [1, 1, 1, 0]);
  });

  it("durations add up: a request lasts at least as long as its parts", async () => {
    const parts = ["queue", "compute_input", "compute_infer", "compute_output"];
    const durations = (page: MetricsPage): number[] =>
      ["request", ...parts].map((part) => page.value(`nv_inference_${part}_duration_us`, { model: "rows" }));
    const action = () => inferRowsOverHttp(server.current.http, "rows", [row(1)]);
    const [request = 0, ...others] = await growth(action, durations);
    assert.ok(request > 0);
    const sum = others.reduce((total, duration) => total + duration, 0);
    // Each value on the page is cut to whole microseconds.
    assert.ok(
      request >= sum - others.length && request <= sum + others.length + 1,
      `${request} µs, parts ${sum} µs`,
    );
  });

  it("the series of a model carry its tags", async () => {
    const [series, ...others] = (await server.current.metrics()).series("nv_inference_count", {
      model: "rows",
    });
    assert.equal(others.length, 0);
    assert.deepEqual(Object.fromEntries(series?.labels ?? []), {
      model: "rows",
      version: "1",
      _team: 'a "b" \\ c',
    });
  });

  it("the time that a load took is there", async () => {
    const seconds = (await server.current.metrics()).value("nv_model_load_duration_secs", { model: "rows" });
    assert.ok(seconds > 0 && seconds < 30);
  });
});
