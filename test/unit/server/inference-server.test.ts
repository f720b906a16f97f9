import assert from "node:assert/strict";
import { defaultCloudSettings } from "../../../server/repository/cloud/cloud-settings.ts";
import { defaultMetricsConfig } from "../../../server/metrics/metrics-config.ts";
import { defaultTraceConfig } from "../../../server/tracing/trace-config.ts";
import path from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import {
  InferenceRequest,
  InferenceServer,
  type InferenceServerOptions,
  isFailure,
  Tensor,
} from "../../../server/index.ts";
import type { Failure } from "../../../server/core/status.ts";
import { serverVersion } from "../../../server/server-version.ts";
import { slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { settle } from "../../helpers/deferred.ts";
import { LogRecorder } from "../../helpers/log-recorder.ts";
import { fp32Tensor, makeRequest } from "../../helpers/recorded-request.ts";
import { useTestDirectory } from "../../helpers/temporary-directory.ts";

const sampleRepository = path.resolve(import.meta.dirname, "../../../../model_repository");

const samples: InferenceServerOptions = {
  serverId: "embedded",
  modelRepositoryPaths: [sampleRepository],
  cloudSettings: defaultCloudSettings,
  modelControlMode: "explicit",
  repositoryPollSecs: 15,
  modelLoadThreadCount: 4,
  modelLoadRetryCount: 0,
  modelConfigName: "",
  modelNamespacing: false,
  loadModelNames: ["simple"],
  strictReadiness: true,
  autoCompleteConfig: true,
  allowClientShm: false,
  backendConfig: [],
  cacheConfig: null,
  backendDirectoryPath: null,
  traceConfig: defaultTraceConfig,
  metricsConfig: defaultMetricsConfig,
  rateLimit: "off",
  rateLimitResources: [],
};

function int32(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

describe("InferenceServer", () => {
  describe("in another program, without a listener", () => {
    const server = new InferenceServer(samples, new LogRecorder().logger);

    before(async () => assert.equal(await server.start(), true));
    after(async () => assert.equal(await server.stop(10_000), true));

    /** Adds and subtracts with the sample model. @returns Output values by name, or why it failed. */
    function addAndSubtract(
      a: readonly number[],
      b: readonly number[],
    ): Promise<Record<string, number[]> | Failure> {
      return new Promise((resolve) => {
        const model = server.findModel("simple", "");
        assert.ok(!isFailure(model));
        const refusal = model.infer(
          new InferenceRequest({
            id: "7",
            inputs: [
              new Tensor("INPUT0", "INT32", [1, a.length], int32(a)),
              new Tensor("INPUT1", "INT32", [1, 16], int32(b)),
            ],
            requestedOutputs: [],
            parameters: null,
            priority: 0,
            timeoutUs: 0,
            correlationId: 0,
            isSequenceStart: false,
            isSequenceEnd: false,
            sink: {
              onResponse: ({ id, modelName, modelVersion, outputs }) => {
                assert.deepEqual([id, modelName, modelVersion], ["7", "simple", "1"]);
                const read = ({ name, data }: Tensor): [string, number[]] => [
                  name,
                  [...new Int32Array(Uint8Array.from(data).buffer)],
                ];
                resolve(Object.fromEntries(outputs.map(read)));
              },
              onFailure: resolve,
              onEnd: () => assert.fail("this model answers each request"),
            },
          }),
        );
        if (refusal !== null) resolve(refusal);
      });
    }

    it("answers inference calls", async () => {
      const a = Array.from({ length: 16 }, (_, i) => i);
      const b = new Array<number>(16).fill(1);
      assert.deepEqual(await addAndSubtract(a, b), {
        OUTPUT0: a.map((value) => value + 1),
        OUTPUT1: a.map((value) => value - 1),
      });
    });

    it("refuses what is wrong with a call at once", async () => {
      const refusal = await addAndSubtract([1, 2], new Array<number>(16).fill(1));
      assert.ok(isFailure(refusal));
      assert.equal(refusal.code, "INVALID_ARG");
      assert.match(refusal.message, /^unexpected shape for input 'INPUT0'/);
    });

    it("is live and ready", () => {
      assert.deepEqual([server.isLive(), server.isReady(), server.isExiting()], [true, true, false]);
    });

    it("tells what it is and what it serves", () => {
      assert.deepEqual(server.serverMetadata(), {
        name: "embedded",
        version: serverVersion,
        extensions: [
          "classification",
          "sequence",
          "model_repository",
          "model_repository(unload_dependents)",
          "schedule_policy",
          "model_configuration",
          "binary_tensor_data",
          "parameters",
          "statistics",
          "trace",
          "logging",
        ],
      });
      assert.deepEqual(server.modelMetadata("simple", ""), {
        name: "simple",
        versions: ["1"],
        platform: "onnxruntime_onnx",
        inputs: ["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "INT32", shape: [-1, 16] })),
        outputs: ["OUTPUT0", "OUTPUT1"].map((name) => ({ name, datatype: "INT32", shape: [-1, 16] })),
      });
      assert.deepEqual(server.modelIndex(), [
        { name: "simple", namespace: "", version: "1", state: "READY", reason: "" },
      ]);
      assert.equal(server.modelReady("simple", "1"), true);
    });

    it("loads and unloads models when it is asked to", async () => {
      const load = (modelName: string) =>
        server.loadModel({ modelName, configOverride: null, files: new Map() });
      assert.equal(await load("simple_identity"), null);
      assert.equal(server.modelReady("simple_identity", ""), true);
      assert.equal((await load("nowhere"))?.code, "INTERNAL");
      assert.equal(await server.unloadModel("simple_identity"), null);
      assert.ok(isFailure(server.modelReady("simple_identity", "1")));
      const ready = await server.repositoryIndex(true);
      assert.deepEqual(ready, [{ name: "simple", namespace: "", version: "1", state: "READY", reason: "" }]);
    });

    it("refuses models that it does not serve", () => {
      for (const answer of [
        server.findModel("digits", ""),
        server.modelReady("digits", ""),
        server.modelMetadata("digits", ""),
      ]) {
        assert.ok(isFailure(answer));
        assert.equal(answer.code, "NOT_FOUND");
      }
    });

    it("reports the statistics of all models, of one and of one version", () => {
      for (const [name, version] of [
        ["", ""],
        ["simple", ""],
        ["simple", "1"],
        ["simple", "01"],
      ] as const) {
        const reports = server.modelStatistics(name, version);
        assert.ok(!isFailure(reports));
        assert.deepEqual(
          reports.map((report) => [report.name, report.version, report.inference_count]),
          [["simple", "1", 1]],
        );
      }
    });

    it("has no statistics of what is not ready", () => {
      assert.deepEqual(server.modelStatistics("digits", ""), {
        code: "INVALID_ARG",
        message: "Statistics are not available: model 'digits' has no ready version",
      });
      assert.deepEqual(server.modelStatistics("simple", "2"), {
        code: "INVALID_ARG",
        message: "Statistics are not available: model 'simple' has no ready version 2",
      });
    });

    it("shows the series of its models", async () => {
      assert.match(
        await server.metrics.render(),
        /nv_inference_request_success\{model="simple",version="1"\} \d/,
      );
    });
  });

  describe("over its life", () => {
    const directory = useTestDirectory();
    const started: InferenceServer[] = [];

    function make(options: Partial<InferenceServerOptions>): { server: InferenceServer; log: LogRecorder } {
      const log = new LogRecorder();
      const server = new InferenceServer({ ...samples, ...options }, log.logger);
      started.push(server);
      return { server, log };
    }

    afterEach(async () => {
      await Promise.all(started.splice(0).map((server) => server.stop(10_000)));
    });

    it("is neither live nor ready before it has started, and refuses everything", () => {
      const { server } = make({});
      assert.deepEqual([server.isLive(), server.isReady()], [false, false]);
      const notReady = { code: "UNAVAILABLE", message: "Server not ready" };
      assert.deepEqual(server.findModel("simple", ""), notReady);
      assert.deepEqual(server.modelStatistics("", ""), notReady);
    });

    it("loads and unloads on request in control mode explicit only, and while it serves", async () => {
      const { server } = make({ modelControlMode: "none", modelRepositoryPaths: [directory.in()] });
      const operations = () =>
        Promise.all([
          server.loadModel({ modelName: "m", configOverride: null, files: new Map() }),
          server.unloadModel("m"),
        ]);
      const refused = async (message: RegExp): Promise<void> => {
        for (const refusal of await operations()) {
          assert.equal(refusal?.code, "UNAVAILABLE");
          assert.match(refusal.message, message);
        }
      };
      await refused(/^Server not ready$/);
      assert.ok(isFailure(await server.repositoryIndex(false)));
      await server.start();
      await refused(/^explicit model load \/ unload is not allowed if polling is enabled/);
      assert.deepEqual(await server.repositoryIndex(false), []);
      await server.stop(10_000);
      await refused(/^Server is shutting down$/);
    });

    it("refuses everything once it stops, and hides the series", async () => {
      const { server } = make({});
      await server.start();
      assert.equal(await server.stop(10_000), true);
      assert.deepEqual([server.isLive(), server.isReady(), server.isExiting()], [true, false, true]);
      const refusal = server.modelReady("simple", "1");
      assert.deepEqual(refusal, { code: "UNAVAILABLE", message: "Server is shutting down" });
      assert.ok(!(await server.metrics.render()).includes('model="simple"'));
    });

    it("is ready without models", async () => {
      const { server } = make({ loadModelNames: [] });
      assert.equal(await server.start(), true);
      assert.ok(server.isReady());
    });

    it("is not ready when a model failed, unless readiness is not strict", async () => {
      const strict = make({ loadModelNames: ["none"] }).server;
      assert.equal(await strict.start(), false);
      assert.deepEqual([strict.isLive(), strict.isReady()], [true, false]);
      const lax = make({ loadModelNames: ["none"], strictReadiness: false }).server;
      assert.equal(await lax.start(), false);
      assert.ok(lax.isReady());
    });

    it("loads everything that there is for *", async () => {
      directory.make("broken", "1");
      const { server } = make({ loadModelNames: ["*"], modelRepositoryPaths: [directory.in()] });
      assert.equal(await server.start(), false);
      assert.equal(server.modelIndex()[0]?.name, "broken");
    });

    it("stays alive for health requests when a repository cannot be read", async () => {
      const { server } = make({ modelRepositoryPaths: [directory.in("none")] });
      await assert.rejects(server.start(), { name: "StatusError", code: "INTERNAL" });
      assert.deepEqual([server.isLive(), server.isReady()], [false, false]);
      assert.equal(server.serverMetadata().name, "embedded");
    });

    for (const moment of ["at once", "while models load"] as const) {
      it(`goes on stopping when it is told to stop during its start: ${moment}`, async () => {
        const { server } = make({ modelControlMode: "poll" });
        const starting = server.start();
        if (moment === "while models load") {
          while (!server.modelIndex().some(({ state }) => state === "LOADING")) await settle();
        }
        await Promise.all([server.stop(10_000), starting]);
        assert.ok(server.isExiting());
        const states = server.modelIndex().map(({ state, reason }) => `${state} ${reason}`);
        assert.deepEqual([...new Set(states)], moment === "at once" ? [] : ["UNAVAILABLE unloaded"]);
      });
    }

    it("answers every request when the time to stop is over", async () => {
      directory.write(slowModel(20_000), "slow", "1", "model.onnx");
      const config = {
        max_batch_size: 1,
        instance_group: [{ count: 1 }],
        input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [16] }],
        output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [16] }],
      };
      directory.write(JSON.stringify(config), "slow", "config.json");
      const { server, log } = make({ loadModelNames: ["slow"], modelRepositoryPaths: [directory.in()] });
      assert.equal(await server.start(), true);
      const model = server.findModel("slow", "");
      assert.ok(!isFailure(model));
      const answers = Array.from({ length: 4 }, () => {
        const { request, sink } = makeRequest({
          inputs: [fp32Tensor("INPUT0", [1, 16], new Array<number>(16).fill(1))],
        });
        return new Promise<Failure>((resolve) => {
          sink.onResponse = () => resolve({ code: "UNKNOWN", message: "a response" });
          sink.onFailure = resolve;
          assert.equal(model.infer(request), null);
        });
      });
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(await server.stop(1), false);
      for (const { code } of await Promise.all(answers)) assert.equal(code, "UNAVAILABLE");
      assert.match(log.ofSeverity("E").join(), /Exit timeout expired with 4 requests in flight/);
      assert.equal(model.inflightCount, 0);
    });
  });
});
