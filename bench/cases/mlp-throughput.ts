import path from "node:path";
import type { RawSessionAnswer, RawSessionQuestion } from "../baselines/raw-session.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { mlpBenchModel } from "../harness/bench-repository.ts";
import { coresDetail } from "../harness/cores-detail.ts";
import { meterCores } from "../harness/cpu-time.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { httpInferMessage, verifyHttpInfer } from "../harness/http-infer-message.ts";
import { MeasuringChild } from "../harness/measuring-child.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk } from "../harness/wrk.ts";

const connectionCount = 64;
/** Kernels sum in another order for another batch size. */
const tolerance = 1e-4;
/** The echo only puts the numbers in perspective, so it gets a short time. */
const echoSeconds = 1;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = mlpBenchModel;
  const input = benchInput(model.inputLength);
  const message = httpInferMessage(model, input, options.workDirectory);
  const session = started.add(
    new MeasuringChild<RawSessionQuestion, RawSessionAnswer>(
      "raw-session",
      new URL("../baselines/raw-session.js", import.meta.url),
    ),
  );
  const ask = (batchSize: number, seconds: number): Promise<RawSessionAnswer> =>
    session.ask({
      modelPath: path.join(options.repository, model.name, "1", "model.onnx"),
      inputName: model.inputName,
      outputName: model.outputName,
      input: [...input],
      batchSize,
      intraOpThreadCount: model.intraOpThreadCount,
      seconds,
    });
  const expected = Float32Array.from((await ask(1, 0)).output);
  const server = started.add(await NereidServer.start(options.repository));
  await verifyHttpInfer(server.httpUrl, message, expected, tolerance);

  /** One load of the server, with the average size of the batches that formed. */
  const loadServer = async (seconds: number) => {
    const before = (await server.metrics()).model(model.name);
    const { bodyFile, headers, path: urlPath } = message;
    const load = { url: server.httpUrl + urlPath, bodyFile, headers, connectionCount, seconds };
    const { result, cores } = await meterCores(server.process.pid, () => runWrk(load));
    const growth = counterGrowth(before, (await server.metrics()).model(model.name));
    return { ...result, cores, averageBatch: growth.inferenceCount / growth.executionCount };
  };
  await loadServer(options.warmUpSeconds);
  // No server with this HTTP library can answer more requests of this size, however fast the model is.
  const echo = started.add(await EchoServer.start("uws-echo"));
  const loadEcho = async (seconds: number): Promise<number> => {
    const url = `http://127.0.0.1:${echo.port}${message.path}`;
    const { bodyFile, headers } = message;
    return (await runWrk({ url, bodyFile, headers, connectionCount, seconds })).requestsPerSecond;
  };
  await loadEcho(options.warmUpSeconds);

  // Always in this order, because the runtime is asked for the batch size that formed in the server just before.
  const rounds = [];
  for (let i = 0; i < options.roundCount; i++) {
    const loaded = await loadServer(options.roundSeconds);
    const raw = await rawItemsPerSecond(ask, loaded.averageBatch, options.roundSeconds);
    rounds.push({ server: loaded, baseline: { raw, echo: await loadEcho(echoSeconds) } });
  }

  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.raw);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "server", value: median(rounds.map((r) => r.server.requestsPerSecond)), unit: "infer/s" },
      {
        label: "session.run at that batch",
        value: median(rounds.map((r) => r.baseline.raw)),
        unit: "infer/s",
      },
      {
        label: "µWS echo of the same bodies (the front end's ceiling)",
        value: median(rounds.map((r) => r.baseline.echo)),
        unit: "requests/s",
      },
      { label: "average batch", value: median(rounds.map((r) => r.server.averageBatch)), unit: "rows" },
      { label: "server p50", value: median(rounds.map((r) => r.server.p50Us)), unit: "us" },
      { label: "server p99", value: median(rounds.map((r) => r.server.p99Us)), unit: "us" },
      ...coresDetail(
        "server process",
        rounds.map((r) => r.server.cores),
      ),
      ...coresDetail(
        "wrk",
        rounds.map((r) => r.server.generatorCores),
      ),
    ],
  };
}

/**
 * Items per second of the runtime alone at a batch size that is not a whole number: between the time of a run at
 * the size below and the time of one at the size above.
 */
async function rawItemsPerSecond(
  ask: (batchSize: number, seconds: number) => Promise<RawSessionAnswer>,
  averageBatch: number,
  seconds: number,
): Promise<number> {
  const below = Math.max(1, Math.floor(averageBatch));
  const runSecondsBelow = 1 / (await ask(below, seconds / 2)).runsPerSecond;
  const runSecondsAbove = 1 / (await ask(below + 1, seconds / 2)).runsPerSecond;
  const runSeconds =
    runSecondsBelow + (runSecondsAbove - runSecondsBelow) * Math.max(0, averageBatch - below);
  return Math.max(1, averageBatch) / runSeconds;
}

/** Whether serving keeps up with the runtime when the model has real work to do. */
export const mlpThroughput: BenchCase = {
  name: "mlp-throughput",
  title: `784-512-512-10 MLP infer/s at ${connectionCount} connections ÷ session.run in process at the average batch that formed`,
  target: { direction: "at least", value: 0.8, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
