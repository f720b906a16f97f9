import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { Backend } from "../../../../backends/backend.ts";
import { systemClock } from "../../../../server/core/clock.ts";
import { defaultMetricsConfig } from "../../../../server/metrics/metrics-config.ts";
import { RateLimiter } from "../../../../server/rate-limiter/rate-limiter.ts";
import { CoreBudget } from "../../../../server/model/core-budget.ts";
import type { Model } from "../../../../server/model/model.ts";
import type { LoadedVersions } from "../../../../server/model/loaded-model.ts";
import { ModelLoader } from "../../../../server/model/model-loader.ts";
import type { ModelLoaderParts } from "../../../../server/model/model-loader-parts.ts";
import { type Failure, failure } from "../../../../server/core/status.ts";
import type { InstanceScript } from "../../../fixtures/instance-modules/scripted-instance.ts";
import { settle } from "../../../helpers/deferred.ts";
import { LogRecorder } from "../../../helpers/log-recorder.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";
import { waitUntil } from "../../../helpers/wait-until.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

/** A backend whose instances do what the config's parameter `script` says. */
const scriptedBackend: Backend = {
  name: "scripted",
  platforms: [],
  defaultModelFilename: "model.bin",
  defaultCpuInstanceCount: 1,
  executionStyle: "batch",
  instanceModuleUrl: new URL("../../../fixtures/instance-modules/scripted-instance.js", import.meta.url).href,
  gpuDeviceIds: () => [0],
  checkBytesInput: null,
  describe: () => "for tests",
  resolveSettings: (config) => ({
    intraOpThreadCount: null,
    options: JSON.parse(config.parameters.get("script") ?? "{}") as InstanceScript,
  }),
};

describe("ModelLoader", () => {
  const directory = useTestDirectory();
  const log = new LogRecorder();
  const models: Model[] = [];

  afterEach(async () => {
    log.lines.length = 0;
    await Promise.all(models.splice(0).map((model) => model.terminate()));
  });

  function loader(parts: Partial<ModelLoaderParts> = {}): ModelLoader {
    return new ModelLoader({
      backends: [scriptedBackend],
      findScheduler: (name) => assert.fail(`no scheduler '${name}'`),
      backendSettings: () => new Map(),
      isAutoCompleteEnabled: true,
      coreBudget: new CoreBudget(2),
      responseCache: null,
      rateLimiter: null,
      clock: systemClock,
      logger: log.logger,
      metricsConfig: defaultMetricsConfig,
      findModel: (name) => failure("NOT_FOUND", `no model '${name}'`),
      configName: null,
      retryCount: 0,
      checkGolden: () => Promise.resolve(),
      ...parts,
    });
  }

  /** Writes model `m` and loads it. */
  async function load(
    config: object,
    options: {
      script?: InstanceScript;
      versions?: number[];
      parts?: Partial<ModelLoaderParts>;
      onLoading?: (version: string) => void;
      configOverride?: string;
    } = {},
  ): Promise<LoadedVersions> {
    const { script = {}, versions = [1] } = options;
    const parameters = { script: { string_value: JSON.stringify(script) } };
    directory.write(JSON.stringify({ backend: "scripted", parameters, ...config }), "m", "config.json");
    for (const version of versions) directory.write("", "m", String(version), "model.bin");
    const { versions: loaded } = await loader(options.parts).load({
      name: "m",
      directory: directory.in("m"),
      namespace: "",
      serving: new Map(),
      filesOf: () => null,
      onConfig: () => Promise.resolve(),
      versions,
      selectVersions: () => versions,
      configOverride: options.configOverride ?? null,
      onLoading: options.onLoading ?? (() => undefined),
    });
    models.push(...loaded.values());
    return loaded;
  }

  /** Runs one request. @returns The values of its output, or why it failed. */
  function infer(model: Model, ...values: number[]): Promise<number[] | Failure> {
    const { request, sink } = makeRequest({ inputs: [fp32Tensor("INPUT0", [1, values.length], values)] });
    return new Promise((resolve) => {
      sink.onResponse = ({ outputs }) =>
        resolve(outputs.flatMap(({ data }) => [...new Float32Array(Uint8Array.from(data).buffer)]));
      sink.onFailure = resolve;
      const refusal = model.infer(request);
      if (refusal !== null) resolve(refusal);
    });
  }

  it("never joins requests with different optional inputs, and serves all of them (row 65)", async () => {
    const tensor = (name: string): object => ({ name, data_type: "TYPE_FP32", dims: [4] });
    const config = {
      max_batch_size: 8,
      input: [0, 1].map((i) => ({ ...tensor(`INPUT${i}`), optional: true })),
      output: [0, 1].map((i) => tensor(`OUTPUT${i}`)),
      dynamic_batching: { preferred_batch_size: [2], max_queue_delay_microseconds: 60_000_000 },
    };
    const model = (await load(config, { script: { tensorCount: 2 } })).get("1")!;
    const inferOne = (index: number, values: number[]): Promise<unknown> => {
      const inputs = [fp32Tensor(`INPUT${index}`, [1, 4], values)];
      const { request, sink } = makeRequest({ inputs, requestedOutputs: [`OUTPUT${index}`] });
      return new Promise((resolve) => {
        sink.onResponse = ({ outputs }) =>
          resolve(outputs.map(({ data }) => [...new Float32Array(Uint8Array.from(data).buffer)]));
        sink.onFailure = resolve;
        assert.equal(model.infer(request), null);
      });
    };
    // The second one ends the batch of the first one, and shares its own with the third.
    const outputs = await Promise.all([
      inferOne(0, [1, 2, 3, 4]),
      inferOne(1, [5, 6, 7, 8]),
      inferOne(1, [9, 10, 11, 12]),
    ]);
    assert.deepEqual(outputs, [[[1, 2, 3, 4]], [[5, 6, 7, 8]], [[9, 10, 11, 12]]]);
    assert.equal(model.statistics.executionCount, 2);
  });

  it("takes a config in place of the directory's", async () => {
    const parameters = { script: { string_value: "{}" } };
    const configOverride = JSON.stringify({ backend: "scripted", parameters, max_batch_size: 7 });
    const loaded = await load({ max_batch_size: 3 }, { configOverride });
    assert.equal(loaded.get("1")?.config.maxBatchSize, 7);
    await assert.rejects(load({}, { configOverride: "{" }), { message: /^config override of model 'm': / });
  });

  it("brings up every version that is selected", async () => {
    const loading: string[] = [];
    const loaded = await load({}, { versions: [1, 3], onLoading: (version) => loading.push(version) });
    assert.deepEqual([...loaded.keys()], ["1", "3"]);
    assert.deepEqual(loading, ["1", "3"]);
    const model = loaded.get("3")!;
    assert.equal(model.name, "m");
    assert.equal(model.version, "3");
    assert.equal(model.instanceCount, 1);
    assert.ok(model.loadDurationSecs > 0);
    assert.deepEqual(await infer(model, 1, 2, 3, 4), [1, 2, 3, 4]);
    assert.equal(model.statistics.successCount, 1);
  });

  const zeros = { INPUT0: { data_type: "TYPE_FP32", dims: [4], zero_data: true } };

  it("warms each instance up before it counts as loaded, also one that takes a dead one's place (row 121)", async () => {
    const config = {
      max_batch_size: 4,
      model_warmup: [{ name: "s", batch_size: 2, count: 2, inputs: zeros }],
    };
    // Two executions are the warm-up, so the third batch is the first request's: the instance dies of it.
    const model = (await load(config, { script: { batches: ["place", "place", "exit"] } })).get("1")!;
    for (let death = 0; death < 2; death++) {
      await waitUntil("there is an instance", () => model.instanceCount === 1);
      assert.ok("code" in (await infer(model, 1, 2, 3, 4)));
    }
    assert.equal(model.statistics.executionCount, 0);
    assert.equal(log.ofSeverity("E").filter((line) => line.includes("restarting it")).length, 2);
  });

  it("fails the load when a sample fails on any instance, whatever way (row 121)", async () => {
    const sample = { name: "s", batch_size: 1, inputs: zeros };
    const config = { max_batch_size: 4, instance_group: [{ count: 2 }], model_warmup: [sample] };
    for (const [action, message] of [
      ["fail", /^failed to run warmup sample 's': /],
      ["throw", /^failed to run warmup sample 's': /],
      ["exit", /^failed to run warmup sample 's': instance 'm_0_1' ended unexpectedly/],
    ] as const) {
      const script: InstanceScript = { ofInstance: { m_0_1: { batches: [action] } } };
      await assert.rejects(load(config, { script }), { message });
    }
    assert.deepEqual(log.ofSeverity("E"), [], "nothing is restarted");
  });

  it("gives all resources back, whether instances die, models fail to load or are unloaded", async () => {
    const rateLimiter = new RateLimiter([{ name: "R", count: 1, deviceId: null }], systemClock);
    const config = {
      max_batch_size: 4,
      instance_group: [{ count: 2, rate_limiter: { resources: [{ name: "R", count: 1 }] } }],
    };
    const parts = { rateLimiter };
    const script: InstanceScript = {
      ofInstance: { m_0_0: { batches: ["exit"] }, m_0_1: { batches: ["fail", "place"] } },
    };
    const model = (await load(config, { parts, script })).get("1")!;
    const outcomes = await Promise.all([1, 2, 3, 4].map((value) => infer(model, value, 0, 0, 0)));
    assert.ok(outcomes.some((outcome) => "code" in outcome));
    await waitUntil("somebody answers", async () => !("code" in (await infer(model, 5, 0, 0, 0))));
    assert.deepEqual([...rateLimiter.usage()], [["r:0", { inUse: 0, capacity: 1 }]]);
    await assert.rejects(load(config, { parts, script: { atLoad: "refuse" } }));
    await assert.rejects(load(config, { parts, script: { atBind: "throw" } }));
    const greedy = { instance_group: [{ rate_limiter: { resources: [{ name: "R", count: 2 }] } }] };
    await assert.rejects(load(greedy, { parts }), /will prevent scheduling/);
    assert.deepEqual([...rateLimiter.usage()], [["r:0", { inUse: 0, capacity: 1 }]]);
    await model.unload();
    models.splice(models.indexOf(model), 1);
    assert.deepEqual([...rateLimiter.usage()], []);
  });

  it("completes the config from the model", async () => {
    const model = (await load({})).get("1")!;
    assert.deepEqual(
      model.inputs.map(({ name, shape }) => [name, shape]),
      [["INPUT0", [-1, 4]]],
    );
    assert.equal(model.maxBatchSize, 4);
    assert.match(log.ofSeverity("I").join("\n"), /max_batch_size set to 4/);
  });

  it("takes the default batch size from the backend's settings", async () => {
    const parts = { backendSettings: () => new Map([["default-max-batch-size", "16"]]) };
    assert.equal((await load({}, { parts })).get("1")?.maxBatchSize, 16);
  });

  it("starts the instances that the config asks for, and warns when they are more than the cores", async () => {
    const loaded = await load({ instance_group: [{ kind: "KIND_CPU", count: 3 }] });
    assert.equal(loaded.get("1")?.instanceCount, 3);
    assert.match(log.ofSeverity("W").join(), /3 instances × 1 threads exceed the 2 cores/);
  });

  it("shows the model its own shapes where the config reshapes", async () => {
    const tensor = (name: string) => ({
      name,
      data_type: "TYPE_FP32",
      dims: [2, 2],
      reshape: { shape: [4] },
    });
    const config = { max_batch_size: 4, input: [tensor("INPUT0")], output: [tensor("OUTPUT0")] };
    const model = (await load(config)).get("1")!;
    const { request, sink } = makeRequest({ inputs: [fp32Tensor("INPUT0", [1, 2, 2], [1, 2, 3, 4])] });
    const shape = await new Promise((resolve) => {
      sink.onResponse = ({ outputs }) => resolve(outputs[0]?.shape);
      assert.equal(model.infer(request), null);
    });
    assert.deepEqual(shape, [1, 2, 2]);
  });

  it("needs a config when auto-complete is off", async () => {
    directory.make("m", "1");
    const source = {
      name: "m",
      directory: directory.in("m"),
      namespace: "",
      serving: new Map(),
      filesOf: () => null,
      onConfig: () => Promise.resolve(),
      versions: [1],
      selectVersions: () => [1],
      configOverride: null,
      onLoading: () => undefined,
    };
    await assert.rejects(loader({ isAutoCompleteEnabled: false }).load(source), {
      code: "INVALID_ARG",
      message: /no config\.json or config\.pbtxt, and auto-complete is disabled$/,
    });
  });

  describe("with --model-load-retry-count", () => {
    const countWorkers = (): number => (process.report.getReport() as { workers: unknown[] }).workers.length;

    /** A backend whose instances do one script in each attempt at a version, and the last one in all further ones. */
    function backendOf(...scripts: InstanceScript[]) {
      const made = { attemptCount: 0, backend: scriptedBackend };
      made.backend = {
        ...scriptedBackend,
        resolveSettings: () => {
          const script = scripts[Math.min(made.attemptCount, scripts.length - 1)];
          made.attemptCount++;
          return { intraOpThreadCount: null, options: script ?? {} };
        },
      };
      return made;
    }

    it("tries a version again that failed, until it comes up", async () => {
      const made = backendOf({ atLoad: "refuse" }, { atBind: "throw" }, {});
      const loading: string[] = [];
      const loaded = await load(
        {},
        {
          parts: { backends: [made.backend], retryCount: 5 },
          onLoading: (version) => loading.push(version),
        },
      );
      assert.deepEqual(await infer(loaded.get("1")!, 1, 2, 3, 4), [1, 2, 3, 4]);
      assert.equal(made.attemptCount, 3);
      assert.deepEqual(loading, ["1"], "it is one load");
      const warnings = log.ofSeverity("W");
      assert.equal(warnings.length, 2);
      assert.match(
        warnings[0] ?? "",
        /Model 'm' version 1 failed to load and is tried again, 5 time\(s\) at most: not with this device/,
      );
      assert.match(warnings[1] ?? "", /is tried again, 4 time\(s\) at most: .*cannot be bound/);
    });

    it("gives up after so many times, with the last reason and nothing left behind", async () => {
      const before = countWorkers();
      const made = backendOf({ atLoad: "refuse" }, { atLoad: "refuse" }, { atLoad: "throw" });
      const parts = { backends: [made.backend], retryCount: 2 };
      await assert.rejects(load({ instance_group: [{ count: 2 }] }, { parts }), { message: /no such file/ });
      assert.equal(made.attemptCount, 3);
      assert.equal(log.ofSeverity("W").filter((line) => line.includes("is tried again")).length, 2);
      assert.equal(countWorkers(), before);
    });

    it("tries once without it", async () => {
      const made = backendOf({ atLoad: "refuse" });
      await assert.rejects(load({}, { parts: { backends: [made.backend] } }), {
        message: /not with this device/,
      });
      assert.equal(made.attemptCount, 1);
    });

    it("leaves the versions alone that came up", async () => {
      const made = backendOf({}, { atLoad: "refuse" }, {});
      const parts = { backends: [made.backend], retryCount: 1 };
      const loaded = await load({ version_policy: { all: {} } }, { versions: [1, 2], parts });
      assert.deepEqual([...loaded.keys()], ["1", "2"]);
      assert.equal(made.attemptCount, 3);
    });
  });

  it("releases everything when one instance cannot be loaded or bound, and says why", async () => {
    // A worker that were left would keep this test run from ending.
    const instance_group = [{ kind: "KIND_CPU", count: 2 }];
    for (const [script, message] of [
      [{ atLoad: "refuse" }, /^not with this device$/],
      [{ atLoad: "exit" }, /worker exited with code 5/],
      [{ atBind: "throw" }, /cannot be bound/],
      [{ atBind: "exit" }, /worker exited with code 4/],
    ] as [InstanceScript, RegExp][]) {
      await assert.rejects(load({ instance_group }, { script, versions: [1, 2] }), {
        name: "StatusError",
        message,
      });
    }
    assert.ok(!log.lines.some((line) => line.includes("restarting it")), log.lines.join("\n"));
  });

  it("releases the instances that died and were replaced before another one could not be loaded", async () => {
    const countWorkers = (): number => (process.report.getReport() as { workers: unknown[] }).workers.length;
    const before = countWorkers();
    const script: InstanceScript = {
      ofInstance: { m_0: { atBind: "thenDie" }, m_1: { atLoad: "refuseLate" } },
    };
    await assert.rejects(load({ instance_group: [{ kind: "KIND_CPU", count: 2, name: "m" }] }, { script }), {
      message: "not with this device, after all",
    });
    assert.match(log.ofSeverity("E").join(), /died after it was bound; restarting it/);
    assert.equal(countWorkers(), before);
  });

  it("releases the instances when the config does not fit the model", async () => {
    const input = [{ name: "OTHER", data_type: "TYPE_FP32", dims: [4] }];
    const output = [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [4] }];
    await assert.rejects(load({ max_batch_size: 4, input, output }), {
      name: "StatusError",
      message: /OTHER/,
    });
  });

  it("replaces an instance that dies, three times, and then refuses requests", async () => {
    const model = (await load({}, { script: { batches: ["exit"] } })).get("1")!;
    for (let death = 0; death < 4; death++) {
      while (model.instanceCount === 0) await settle();
      const failed = await infer(model, 1, 2, 3, 4);
      assert.deepEqual(failed, {
        code: "INTERNAL",
        message: "instance 'm_0' ended unexpectedly: worker exited with code 3",
      });
    }
    await settle();
    assert.deepEqual(await infer(model, 1, 2, 3, 4), {
      code: "UNAVAILABLE",
      message:
        "No instance of the model is left: instance 'm_0' ended unexpectedly: worker exited with code 3",
    });
    assert.equal(log.ofSeverity("E").filter((line) => line.includes("restarting it")).length, 3);
    assert.match(log.ofSeverity("E").at(-1) ?? "", /it has died too often and is given up/);
    assert.equal(model.statistics.failureCountByReason.BACKEND, 4);
    assert.equal(model.inflightCount, 0);
    await model.unload();
  });
});
