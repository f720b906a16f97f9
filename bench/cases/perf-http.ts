import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel } from "../harness/bench-repository.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { compareGenerators } from "../harness/generator-comparison.ts";
import { httpInferMessage } from "../harness/http-infer-message.ts";
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
  return compareGenerators({
    name: "wrk",
    unit: "requests/s",
    latency: { label: "p50", us: (result: WrkResult) => result.p50Us },
    rounds,
  });
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
