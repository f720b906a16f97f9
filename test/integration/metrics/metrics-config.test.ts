import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "mocha";
import { identityModel, slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverGrpc, inferRowsOverHttp, row, rowModelConfig } from "../../helpers/fp32-rows.ts";
import { InferStreamClient } from "../../helpers/grpc-infer-stream.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const histogram = "nv_inference_first_response_histogram_ms";
const parts = ["queue", "compute_input", "compute_infer", "compute_output"];
const samples = path.resolve(import.meta.dirname, "../../../../model_repository");

const bucketsOf = (...buckets: number[]): object => ({
  model_metrics: {
    metric_control: [{ metric_identifier: { family: histogram }, histogram_options: { buckets } }],
  },
});

describe("--metrics-config", () => {
  const repository = useRepository((made) => {
    const identity = identityModel("FP32");
    made.add("plain", { config: rowModelConfig(), versions: { 1: identity } });
    made.add("cached", {
      config: rowModelConfig({ response_cache: { enable: true } }),
      versions: { 1: identity },
    });
    made.add("slow", { config: rowModelConfig(bucketsOf(0.5, 60_000)), versions: { 1: slowModel(25_000) } });
    made.add("of_triton", {
      pbtxt: `backend: "onnxruntime" max_batch_size: 8
        model_metrics { metric_control: [ {
          metric_identifier: { family: "${histogram}" }
          histogram_options: { buckets: [ 1, 2.5 ] }
        } ] }`,
      versions: { 1: identity },
    });
    made.add("warned", {
      config: rowModelConfig({
        model_metrics: {
          metric_control: [
            { metric_identifier: { family: "nv_other" }, histogram_options: { buckets: [1] } },
          ],
        },
      }),
      versions: { 1: identity },
    });
  });

  describe("with summaries and histograms", () => {
    const server = useServer(() => [
      `--model-repository=${repository.current.path}`,
      `--model-repository=${samples}`,
      "--model-control-mode=explicit",
      ...["plain", "cached", "slow", "of_triton", "warned", "repeat_int32"].map(
        (name) => `--load-model=${name}`,
      ),
      "--cache-config=local,size=100000",
      "--metrics-config=summary_latencies=true",
      "--metrics-config=histogram_latencies=true",
      "--metrics-config",
      "summary_quantiles=0.5:0.05,0.99:0.001",
    ]);

    it("shows the quantiles of all parts of the latency, whose sums are those of the counters", async () => {
      const { http, grpc } = server.current;
      await inferRowsOverHttp(http, "plain", [row(1)]);
      await inferRowsOverGrpc(grpc, "plain", [row(2)]);
      const model = "plain";
      const page = await server.current.metrics();
      for (const part of ["request", ...parts]) {
        const name = `nv_inference_${part}_summary_us`;
        assert.ok(page.families.includes(`${name} summary`), name);
        assert.equal(page.value(`${name}_count`, { model }), 2);
        // A counter adds fractions up before they are cut off.
        const sum = page.value(`${name}_sum`, { model });
        const counted = page.value(`nv_inference_${part}_duration_us`, { model });
        assert.ok(sum <= counted && sum >= counted - 2, `${name}: ${sum}, ${counted}`);
        const low = page.value(name, { model, quantile: "0.5" });
        const high = page.value(name, { model, quantile: "0.99" });
        assert.ok(low <= high && high <= sum && low + high >= sum, `${name}: ${low}, ${high}, ${sum}`);
        assert.equal(page.series(name, { model }).length, 2);
      }
      assert.equal(page.series("nv_cache_hit_summary_per_model", { model }).length, 0);
    });

    it("shows no summary of a cached model's requests, but of its look-ups (row 165)", async () => {
      const model = "cached";
      for (let i = 0; i < 3; i++) await inferRowsOverHttp(server.current.http, model, [row(7)]);
      const page = await server.current.metrics();
      assert.equal(page.series("nv_inference_request_summary_us", { model }).length, 0);
      assert.equal(page.series("nv_inference_request_summary_us_count", { model }).length, 0);
      for (const [name, count] of [
        ["nv_inference_queue_summary_us", 3],
        ["nv_inference_compute_infer_summary_us", 1],
        ["nv_cache_hit_summary_per_model", 2],
        ["nv_cache_miss_summary_per_model", 1],
      ] as const) {
        assert.equal(page.value(`${name}_count`, { model }), count, name);
        assert.ok(page.value(name, { model, quantile: "0.5" }) >= 0, name);
      }
    });

    it("shows how long first responses took, in the buckets of the config", async () => {
      await inferRowsOverHttp(server.current.http, "slow", [row(1)]);
      const page = await server.current.metrics();
      const bounds = (model: string): (string | undefined)[] =>
        page.series(`${histogram}_bucket`, { model }).map(({ labels }) => labels.get("le"));
      assert.deepEqual(bounds("slow"), ["0.5", "60000", "+Inf"]);
      assert.deepEqual(bounds("of_triton"), ["1", "2.5", "+Inf"]);
      assert.deepEqual(bounds("plain"), ["100", "500", "2000", "5000", "+Inf"]);
      const inBucket = (le: string): number => page.value(`${histogram}_bucket`, { model: "slow", le });
      assert.deepEqual([inBucket("0.5"), inBucket("60000"), inBucket("+Inf")], [0, 1, 1]);
      assert.equal(page.value(`${histogram}_count`, { model: "slow" }), 1);
      assert.ok(page.value(`${histogram}_sum`, { model: "slow" }) >= 1);
      assert.ok(page.families.includes(`${histogram} histogram`));
    });

    it("measures the wait for the first of several responses only, once a request", async () => {
      const stream = InferStreamClient.connect(server.current.addresses.grpc);
      const tensor = (name: string, datatype: string) => ({ name, datatype, shape: [3] });
      stream.send({
        model_name: "repeat_int32",
        inputs: [
          tensor("IN", "INT32"),
          tensor("DELAY", "UINT32"),
          { ...tensor("WAIT", "UINT32"), shape: [1] },
        ],
        raw_input_contents: [
          Buffer.from(Int32Array.of(1, 2, 3).buffer),
          Buffer.from(Uint32Array.of(0, 300, 300).buffer),
          Buffer.from(Uint32Array.of(0).buffer),
        ],
      });
      await stream.waitFor(1);
      const early = await server.current.metrics();
      const model = "repeat_int32";
      assert.equal(early.value(`${histogram}_count`, { model }), 1, JSON.stringify(stream.replies));
      stream.halfClose();
      await stream.ended;
      assert.equal(stream.replies.filter(({ error }) => error === "").length, 3);
      const page = await server.current.metrics();
      assert.equal(page.value(`${histogram}_count`, { model }), 1);
      // The whole request takes twice as long at least.
      assert.ok(page.value(`${histogram}_sum`, { model }) < 300);
      assert.ok(page.value("nv_inference_request_duration_us", { model }) >= 600_000);
    });

    it("tells the buckets to clients, and warns of those that have no effect", async () => {
      const config = (await server.current.http.get("/v2/models/of_triton/config")).json() as {
        model_metrics: object;
      };
      assert.deepEqual(config.model_metrics, {
        metric_control: [
          { metric_identifier: { family: histogram }, histogram_options: { buckets: [1, 2.5] } },
        ],
      });
      const message = await server.current.grpc.call("ModelConfig", { name: "slow" });
      assert.match(JSON.stringify(message), /"buckets":\[0.5,60000\]/);
      assert.match(server.current.log, /Model 'warned': model_metrics has no effect on 'nv_other'/);
    });

    it("begins anew when the model is loaded again", async () => {
      await inferRowsOverHttp(server.current.http, "warned", [row(1)]);
      const model = "warned";
      const count = async (): Promise<number[]> => {
        const page = await server.current.metrics();
        return [`nv_inference_queue_summary_us_count`, `${histogram}_count`].map((name) =>
          page.sum(name, { model }),
        );
      };
      assert.deepEqual(await count(), [1, 1]);
      const { http } = server.current;
      assert.equal((await http.request("POST", "/v2/repository/models/warned/unload")).status, 200);
      await waitUntil(
        "the model is unloaded",
        async () => (await http.get("/v2/models/warned/ready")).status !== 200,
      );
      assert.equal((await server.current.metrics()).series(`${histogram}_bucket`, { model }).length, 0);
      assert.equal((await http.request("POST", "/v2/repository/models/warned/load")).status, 200);
      assert.deepEqual(await count(), [0, 0]);
    });
  });

  describe("without counters of latencies", () => {
    const server = useServer(() => [
      `--model-repository=${repository.current.path}`,
      "--cache-config=local,size=100000",
      "--metrics-config=counter_latencies=false",
    ]);

    it("leaves the durations out, and goes on counting (row 164)", async () => {
      await inferRowsOverHttp(server.current.http, "plain", [row(1), row(2)]);
      const { text } = await server.current.http.request("GET", server.current.addresses.metrics);
      assert.doesNotMatch(text, /_duration_us|per_model|summary|histogram/);
      const page = await server.current.metrics();
      const { success, inferences, executions } = page.model("plain");
      assert.deepEqual([success, inferences, executions], [1, 2, 1]);
      assert.match(
        server.current.log,
        /the server has no histograms; --metrics-config=histogram_latencies=true/,
      );
    });
  });

  it("by default has counters, and neither summaries nor histograms (row 164)", async () => {
    const { text } = await defaults.current.http.request("GET", defaults.current.addresses.metrics);
    assert.match(text, /^nv_inference_request_duration_us\{model="plain",version="1"\} 0$/m);
    assert.doesNotMatch(text, /summary|histogram/);
  });
  const defaults = useServer(() => [`--model-repository=${repository.current.path}`]);

  it("refuses settings that it does not know, and buckets that do not ascend", async () => {
    const wrong = await ServerProcess.run(["--model-repository=x", "--metrics-config=summary_latency=true"]);
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.stderr,
      /"--metrics-config" names unknown key "summary_latency", did you mean summary_latencies\?/,
    );
  });
});
