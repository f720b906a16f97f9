import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { systemClock } from "../../server/core/clock.ts";
import { Logger } from "../../server/logging/logger.ts";
import { LogSettings } from "../../server/logging/log-settings.ts";
import { Model } from "../../server/model/model.ts";
import { noInstances } from "../../server/model/model-instances.ts";
import type { LoadedModel } from "../../server/model/loaded-model.ts";
import type { ModelSource } from "../../server/model/model-source.ts";
import { draftModelConfig } from "../../server/model-config/complete-config.ts";
import { readModelConfig } from "../../server/model-config/read-config.ts";
import { onnxRuntimeBackend } from "../../backends/onnxruntime/onnxruntime-backend.ts";
import { ModelRepositoryManager } from "../../server/repository/model-repository-manager.ts";
import { RepositoryScanner } from "../../server/repository/repository-scanner.ts";
import { ModelStatistics } from "../../server/statistics/model-statistics.ts";
import type { BenchCase } from "../harness/bench-case.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { median } from "../harness/median.ts";

const modelCount = 1_000;
const pollCount = 20;

/** What one poll took of the main thread. */
interface PollCost {
  readonly activeMs: number;
  readonly longestMs: number;
}

/** Model directories of the usual kind. They are never loaded: a thousand runtimes are not what is measured. */
function writeRepository(repository: string): void {
  const tensor = { data_type: "TYPE_FP32", dims: [16] };
  const config = JSON.stringify({
    backend: "onnxruntime",
    max_batch_size: 8,
    input: [{ name: "INPUT0", ...tensor }],
    output: [{ name: "OUTPUT0", ...tensor }],
  });
  for (let i = 0; i < modelCount; i++) {
    const directory = path.join(repository, `model_${i}`);
    for (const version of ["1", "2"]) {
      mkdirSync(path.join(directory, version), { recursive: true });
      writeFileSync(path.join(directory, version, "model.onnx"), "");
    }
    writeFileSync(path.join(directory, "config.json"), config);
    writeFileSync(path.join(directory, "labels.txt"), "a\nb\n");
  }
}

/** A model that is ready and cannot run. */
function idleModel(source: ModelSource): LoadedModel {
  const { config } = draftModelConfig({
    document: readModelConfig(source.directory, source.name),
    modelName: source.name,
    versionDirectoryEntries: ["model.onnx"],
    isAutoCompleteEnabled: true,
    backends: [onnxRuntimeBackend],
  });
  const version = String(source.versions.at(-1));
  const model = new Model({
    config,
    version,
    engine: null,
    isDecoupled: false,
    statistics: new ModelStatistics(),
    pool: noInstances,
    scheduler: { enqueue: () => null, queuedCount: () => 0, stop: () => undefined },
    clock: systemClock,
    checkBytesInput: null,
    labels: new Map(),
    loadDurationSecs: 0,
  });
  return {
    versions: new Map([[version, model]]),
    apply: () => undefined,
    discard: () => Promise.resolve(),
  };
}

async function measurePolls(
  options: BenchOptions,
): Promise<{ readonly first: PollCost; readonly others: readonly PollCost[] }> {
  const repository = path.join(options.workDirectory, "thousand-models");
  writeRepository(repository);
  const scanner = new RepositoryScanner([repository]);
  const manager = new ModelRepositoryManager({
    scanner,
    isNamespacing: false,
    configName: null,
    loader: { load: (source) => Promise.resolve(idleModel(source)) },
    listener: { onReady: () => undefined, onUnloading: () => undefined, onReleased: () => undefined },
    logger: Logger.create({
      component: "bench",
      settings: new LogSettings(),
      destination: { write: () => undefined, flush: () => undefined },
    }),
    clock: systemClock,
    loadThreadCount: 4,
    settleMs: 450,
  });
  try {
    if (!(await manager.loadAtStart(null))) throw new Error("The thousand models are not all ready");
    scanner.useThread(null);
    const poll = (): Promise<PollCost> => measureOne(() => manager.poll());
    const first = await poll();
    const others: PollCost[] = [];
    for (let i = 0; i < pollCount; i++) others.push(await poll());
    return { first, others };
  } finally {
    await manager.unloadAll();
    scanner.close();
  }
}

async function measureOne(poll: () => Promise<unknown>): Promise<PollCost> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = performance.eventLoopUtilization();
  await poll();
  const { active } = performance.eventLoopUtilization(before);
  // One more round, in which a timer that was held up fires.
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  return { activeMs: active, longestMs: Math.max(0, delay.max / 1e6 - 1) };
}

/** What looking at many models costs those who are served. All of a poll is shorter than a stretch of it may be. */
export const repositoryScan: BenchCase = {
  name: "repository-scan",
  title: `Main-thread time of one poll of ${modelCount} models that have not changed`,
  target: { direction: "at most", value: 5, unit: "ms" },
  async run(options) {
    const { first, others } = await measurePolls(options);
    const busy = others.map(({ activeMs }) => activeMs);
    return {
      measured: median(busy),
      rounds: busy,
      details: [
        { label: "the first poll, to which every model is new", value: first.activeMs, unit: "ms" },
        {
          label: "longest delay of the loop, the machine's own included",
          value: median(others.map(({ longestMs }) => longestMs)),
          unit: "ms",
        },
      ],
    };
  },
};
