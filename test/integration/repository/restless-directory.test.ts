import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { InferenceServer, isFailure } from "../../../server/index.ts";
import { type Clock, systemClock } from "../../../server/core/clock.ts";
import { defaultTraceConfig } from "../../../server/tracing/trace-config.ts";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { rowModelConfig } from "../../helpers/fp32-rows.ts";
import { LogRecorder } from "../../helpers/log-recorder.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { defaultCloudSettings } from "../../../server/repository/cloud/cloud-settings.ts";
import { defaultMetricsConfig } from "../../../server/metrics/metrics-config.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** A minute in which nothing happens takes three seconds. */
const speed = 20;
const writeIntervalMs = 5;

function fastClock(): Clock {
  const startUs = systemClock.nowUs();
  return {
    nowUs: () => startUs + (systemClock.nowUs() - startUs) * speed,
    at: (deadlineUs, callback) => systemClock.at(startUs + (deadlineUs - startUs) / speed, callback),
    endOfTurn: (callback) => systemClock.endOfTurn(callback),
  };
}

describe("A model directory in which something is written all the time", () => {
  const identity = identityModel("FP32");
  const log = new LogRecorder();
  const repository = useRepository((made) => {
    made.add("steady", { config: rowModelConfig(), versions: { 1: identity } });
  });
  let server: InferenceServer | null = null;
  let writing: NodeJS.Timeout | undefined;

  before(async () => {
    server = new InferenceServer(
      {
        serverId: "restless",
        modelRepositoryPaths: [repository.current.path],
        modelControlMode: "poll",
        repositoryPollSecs: 1,
        modelLoadThreadCount: 4,
        modelLoadRetryCount: 0,
        modelConfigName: "",
        metricsConfig: defaultMetricsConfig,
        cloudSettings: defaultCloudSettings,
        modelNamespacing: false,
        loadModelNames: [],
        strictReadiness: true,
        autoCompleteConfig: true,
        allowClientShm: false,
        backendConfig: [],
        cacheConfig: null,
        backendDirectoryPath: null,
        traceConfig: defaultTraceConfig,
        rateLimit: "off",
        rateLimitResources: [],
      },
      log.logger,
      fastClock(),
    );
    assert.equal(await server.start(), true);
  });
  after(async () => {
    clearInterval(writing);
    await server?.stop(10_000);
  });

  /** The state of a model's only row in the index, with the reason. */
  async function rowOf(name: string): Promise<{ readonly state: string; readonly reason: string }> {
    const rows = await server!.repositoryIndex(false);
    assert.ok(!isFailure(rows));
    const row = rows.find((each) => each.name === name);
    return { state: row?.state ?? "", reason: row?.reason ?? "" };
  }

  it("is told of in log and index, keeps nobody else waiting, and is loaded when that ends", async () => {
    repository.current.add("logging", { config: rowModelConfig(), versions: { 1: identity } });
    const file = path.join(repository.current.path, "logging", "trace.log");
    let lineCount = 0;
    writing = setInterval(() => writeFileSync(file, String(++lineCount)), writeIntervalMs);
    await waitUntil("the index says why", async () => (await rowOf("logging")).reason !== "");
    const { state, reason } = await rowOf("logging");
    assert.equal(state, "UNAVAILABLE");
    assert.match(
      reason,
      /logging' has been changing for \d+ s, most recently 'trace\.log'\. It is loaded when/,
    );
    assert.equal(
      log.ofSeverity("W").filter((line) => line.includes("Model 'logging' is not loaded")).length,
      1,
    );
    assert.ok(server?.isReady());
    repository.current.add("other", { config: rowModelConfig(), versions: { 1: identity } });
    await waitUntil("others are loaded", async () => (await rowOf("other")).state === "READY");
    clearInterval(writing);
    await waitUntil("it is loaded", async () => (await rowOf("logging")).state === "READY");
    assert.equal((await rowOf("logging")).reason, "");
  });
});
