import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel } from "../harness/bench-repository.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { compareGenerators } from "../harness/generator-comparison.ts";
import { callGrpc, grpcInferMessage, modelInferPath } from "../harness/grpc-infer-message.ts";
import { type H2loadResult, runH2load } from "../harness/h2load.ts";
import { type PerfAnalyzerResult, runPerfAnalyzer } from "../harness/perf-analyzer.ts";
import { StopList } from "../harness/stop-list.ts";

/** As perf_analyzer spreads its calls, see `callsPerConnection` in its gRPC client. */
const connectionCount = 4;
const streamCount = 16;
const threadCount = 2;
/** Calls that tell the rate roughly. */
const firstCallCount = 4_000;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = identityBenchModel;
  const message = await grpcInferMessage(model, benchInput(model.inputLength), options.workDirectory);
  const echo = started.add(await EchoServer.start("h2-echo"));
  const answer = await callGrpc(echo.port, message.request);
  if (!answer.equals(message.request)) throw new Error("The echo answered with other bytes");
  const h2load = (requestCount: number): Promise<H2loadResult> =>
    runH2load({
      url: `http://127.0.0.1:${echo.port}${modelInferPath}`,
      bodyFile: message.bodyFile,
      connectionCount,
      streamCount,
      requestCount: Math.ceil(requestCount),
    });
  const perfAnalyzer = (): Promise<PerfAnalyzerResult> =>
    runPerfAnalyzer({
      protocol: "grpc",
      port: echo.port,
      modelName: model.name,
      concurrency: connectionCount * streamCount,
      threadCount,
      seconds: options.roundSeconds,
    });
  const rough = await h2load(firstCallCount);
  const warm = await h2load(rough.requestsPerSecond * options.warmUpSeconds);
  const callCount = warm.requestsPerSecond * options.roundSeconds;
  const rounds = await alternatingRounds(options.roundCount, perfAnalyzer, () => h2load(callCount));
  echo.process.assertRunning();
  return compareGenerators({
    name: "h2load",
    unit: "calls/s",
    latency: { label: "mean", us: (result: H2loadResult) => result.meanUs },
    rounds,
  });
}

/** The same over gRPC. The echo is Node's own HTTP/2: it is what limits h2load. */
export const perfGrpc: BenchCase = {
  name: "perf-grpc",
  title: `gRPC calls/s of one perf_analyzer process with ${threadCount} threads ÷ h2load's, ${connectionCount} × ${streamCount} in flight, bare node:http2 echo`,
  target: { direction: "at least", value: 0.4, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
