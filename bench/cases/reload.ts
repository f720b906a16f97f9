import { cpSync, utimesSync } from "node:fs";
import path from "node:path";
import { mlpModel } from "../../tools/onnx-builder/model-zoo.ts";
import { writeModelDirectory } from "../../tools/model-directory.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel, mlpBenchModel } from "../harness/bench-repository.ts";
import { callHttp } from "../harness/http-call.ts";
import { httpInferMessage } from "../harness/http-infer-message.ts";
import { loadCall } from "../harness/load-call.ts";
import { median } from "../harness/median.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import type { KindResult } from "../harness/request-load.ts";
import { startRequestLoad } from "../harness/request-load-generator.ts";
import { residentMegabytes } from "../harness/resident-memory.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk } from "../harness/wrk.ts";

const reloadCount = 200;
/** By then the worker threads' memory has found its size. */
const settledCount = 5;
const connectionCount = 4;
/** Little enough to leave both cores room: what is measured is the disturbance, not the queue. */
const steadyPerSecond = 500;
/** Weights of 25 million single-precision numbers. */
const bigInit = { sizes: [16, 5_000, 5_000, 16], seed: 3 };
const bigModel = "big";

const explicitMode = ["--model-control-mode=explicit", `--load-model=${identityBenchModel.name}`];

/** Makes the model's file new, and has it loaded. @throws Error unless it is. */
async function reload(server: NereidServer, repository: string, model: string): Promise<void> {
  // A new time of change makes it another file, without the work of writing one.
  const now = new Date();
  utimesSync(path.join(repository, model, "1", "model.onnx"), now, now);
  const answer = await callHttp(`${server.httpUrl}/v2/repository/models/${model}/load`, {
    body: new Uint8Array(0),
  });
  if (answer.status !== 200)
    throw new Error(`a reload was answered ${answer.status}: ${answer.body.toString()}`);
}

/** The repository is written to: other cases must not see that. */
function copyRepository(options: BenchOptions, name: string): string {
  const repository = path.join(options.workDirectory, name);
  cpSync(options.repository, repository, { recursive: true });
  return repository;
}

async function measureReloads(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const repository = copyRepository(options, "reload-models");
  const args = [...explicitMode, `--load-model=${mlpBenchModel.name}`];
  const server = started.add(await NereidServer.start(repository, 20, args));
  const messages = [identityBenchModel, mlpBenchModel].map((model) =>
    httpInferMessage(model, benchInput(model.inputLength), options.workDirectory),
  );
  let isOver = false;
  let requestCount = 0;
  // wrk throws when a request fails.
  const loads = messages.map(async ({ path: urlPath, bodyFile, headers }) => {
    while (!isOver) {
      const load = { url: server.httpUrl + urlPath, bodyFile, headers, connectionCount, seconds: 1 };
      requestCount += (await runWrk(load)).requestCount;
    }
  });
  const memory: number[] = [];
  const start = performance.now();
  try {
    for (let i = 1; i <= reloadCount; i++) {
      await reload(server, repository, mlpBenchModel.name);
      memory.push(residentMegabytes(server.process.pid) ?? Number.NaN);
    }
  } finally {
    isOver = true;
  }
  const seconds = (performance.now() - start) / 1e3;
  await Promise.all(loads);
  const before = memory[settledCount - 1] ?? Number.NaN;
  const after = median(memory.slice(-settledCount));
  return {
    measured: after / before,
    rounds: [after / before],
    details: [
      { label: "failed or dropped requests", value: 0, unit: "" },
      { label: "requests to both models", value: requestCount, unit: "" },
      { label: "reloads", value: reloadCount / seconds, unit: "per s" },
      { label: `resident memory after ${settledCount} reloads`, value: before, unit: "MB" },
      { label: `resident memory after ${reloadCount} reloads`, value: after, unit: "MB" },
    ],
  };
}

async function measureDisturbance(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const repository = copyRepository(options, "big-reload-models");
  writeModelDirectory(
    repository,
    bigModel,
    { max_batch_size: 4, instance_group: [{ kind: "KIND_CPU", count: 1 }] },
    mlpModel(bigInit),
  );
  const server = started.add(
    await NereidServer.start(repository, 20, [...explicitMode, `--load-model=${bigModel}`]),
  );
  const { name: model, inputLength } = identityBenchModel;
  const data = new Uint8Array(benchInput(inputLength).buffer);
  const call = loadCall(options.workDirectory, {
    id: "reload-latency",
    model,
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, inputLength], data }],
  });
  const generator = started.add(startRequestLoad());
  const load = async (seconds: number): Promise<KindResult> => {
    const answer = await generator.ask({
      baseUrl: server.httpUrl,
      kinds: [{ name: "all", calls: [call], percent: 100 }],
      pace: { kind: "open", ratePerSecond: steadyPerSecond },
      leadSeconds: 0.5,
      seconds,
      lateAfterUs: 1e6,
    });
    return answer.kinds[0]!;
  };
  await load(options.warmUpSeconds);
  const rounds: {
    readonly alone: KindResult;
    readonly beside: KindResult;
    readonly reloads: number;
  }[] = [];
  for (let i = 0; i < options.roundCount; i++) {
    const alone = await load(options.roundSeconds);
    const loading = { isOver: false };
    let reloads = 0;
    const measured = load(options.roundSeconds).finally(() => (loading.isOver = true));
    while (!loading.isOver) {
      await reload(server, repository, bigModel);
      reloads++;
    }
    rounds.push({ alone, beside: await measured, reloads });
  }
  const ratios = rounds.map(({ alone, beside }) => beside.p99Us / alone.p99Us);
  const detail = (label: string, unit: string, pick: (round: (typeof rounds)[number]) => number) => ({
    label,
    value: median(rounds.map(pick)),
    unit,
  });
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      detail("p99 alone", "us", ({ alone }) => alone.p99Us),
      detail("p99 while the other model reloads", "us", ({ beside }) => beside.p99Us),
      detail("p50 alone", "us", ({ alone }) => alone.p50Us),
      detail("p50 while the other model reloads", "us", ({ beside }) => beside.p50Us),
      detail("reloads in that time", "", ({ reloads }) => reloads),
    ],
  };
}

async function withStops(run: (started: StopList) => Promise<CaseResult>): Promise<CaseResult> {
  const started = new StopList();
  try {
    return await run(started);
  } finally {
    await started.stopAll();
  }
}

/** Whether reloads are noticed by clients, or by the memory. Fails when a request fails. */
export const reloads: BenchCase = {
  name: "reload",
  title: `Resident memory after ${reloadCount} reloads of a model under load ÷ after ${settledCount}; no request may fail`,
  target: { direction: "at most", value: 1.1, unit: "" },
  run: (options) => withStops((started) => measureReloads(options, started)),
};

/** Whether clients of one model notice that another one is reloaded. */
export const reloadLatency: BenchCase = {
  name: "reload-latency",
  title: `p99 of one model with ${steadyPerSecond} requests/s while another one of 100 MB is reloaded again and again ÷ p99 alone`,
  target: { direction: "at most", value: 1.3, unit: "" },
  run: (options) => withStops((started) => measureDisturbance(options, started)),
};
