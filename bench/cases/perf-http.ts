import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel } from "../harness/bench-repository.ts";
import { coresDetail } from "../harness/cores-detail.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { httpInferMessage } from "../harness/http-infer-message.ts";
import { median } from "../harness/median.ts";
import { type PerfAnalyzerResult, runPerfAnalyzer } from "../harness/perf-analyzer.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk, type WrkResult } from "../harness/wrk.ts";

const connectionCount = 64;
/** The echo leaves more than one core free when the generator is slower than wrk: one thread could not use it. */
const threadCount = 2;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = identityBenchModel;
  const message = httpInferMessage(model, benchInput(model.inputLength), options.workDirectory);
  const echo = started.add(await EchoServer.start("uws-echo"));
  const wrk = (seconds: number): Promise<WrkResult> =>
    runWrk({
      url: `http://127.0.0.1:${echo.port}${message.path}`,
      bodyFile: message.bodyFile,
      headers: message.headers,
      connectionCount,
      seconds,
    });
  const perfAnalyzer = (): Promise<PerfAnalyzerResult> =>
    runPerfAnalyzer({
      protocol: "http",
      port: echo.port,
      modelName: model.name,
      concurrency: connectionCount,
      threadCount,
      seconds: options.roundSeconds,
    });
  await wrk(options.warmUpSeconds);
  const rounds = await alternatingRounds(options.roundCount, perfAnalyzer, () => wrk(options.roundSeconds));
  echo.process.assertRunning();
  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.requestsPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      {
        label: "perf_analyzer",
        value: median(rounds.map((r) => r.server.requestsPerSecond)),
        unit: "requests/s",
      },
      { label: "wrk", value: median(rounds.map((r) => r.baseline.requestsPerSecond)), unit: "requests/s" },
      { label: "perf_analyzer p50", value: median(rounds.map((r) => r.server.p50Us)), unit: "us" },
      { label: "wrk p50", value: median(rounds.map((r) => r.baseline.p50Us)), unit: "us" },
      ...coresDetail(
        "perf_analyzer",
        rounds.map((r) => r.server.generatorCores),
      ),
      ...coresDetail(
        "wrk",
        rounds.map((r) => r.baseline.generatorCores),
      ),
    ],
  };
}

/** How close the project's own generator comes to one written in C, against a server that costs next to nothing. */
export const perfHttp: BenchCase = {
  name: "perf-http",
  title: `HTTP requests/s of one perf_analyzer process with ${threadCount} threads ÷ wrk's, ${connectionCount} connections, bare µWS echo`,
  target: { direction: "at least", value: 0.5, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
