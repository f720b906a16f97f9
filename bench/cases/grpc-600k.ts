import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { largeIdentityBenchModel } from "../harness/bench-repository.ts";
import { cpuSeconds } from "../harness/cpu-time.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { grpcInferMessage, modelInferPath, verifyGrpcInfer } from "../harness/grpc-infer-message.ts";
import { type H2loadResult, runH2load } from "../harness/h2load.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";

/** Few calls in flight: what counts is what one costs. */
const connectionCount = 2;
const streamCount = 2;
/** Calls that tell the rate roughly. */
const firstCallCount = 200;

/** What one round cost one process. */
interface Cost {
  readonly callCount: number;
  readonly cpuUs: number;
  readonly callsPerSecond: number;
}

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = largeIdentityBenchModel;
  const input = benchInput(model.inputLength);
  const message = await grpcInferMessage(model, input, options.workDirectory);
  const server = started.add(await NereidServer.start(options.repository));
  const echo = started.add(await EchoServer.start("grpc-echo"));
  await verifyGrpcInfer(server.grpcPort, message, input);

  const load = (port: number, requestCount: number): Promise<H2loadResult> =>
    runH2load({
      url: `http://127.0.0.1:${port}${modelInferPath}`,
      bodyFile: message.bodyFile,
      connectionCount,
      streamCount,
      requestCount: Math.ceil(requestCount),
    });
  const cost = async (pid: number, port: number, requestCount: number): Promise<Cost> => {
    const before = cpuSeconds(pid);
    const result = await load(port, requestCount);
    const after = cpuSeconds(pid);
    if (before === null || after === null) throw new Error("This system does not tell processor times");
    return {
      callCount: result.requestCount,
      cpuUs: ((after - before) / result.requestCount) * 1e6,
      callsPerSecond: result.requestsPerSecond,
    };
  };
  /** Warms up, and returns the number of calls for one round. */
  const callCountFor = async (port: number): Promise<number> => {
    const rough = await load(port, firstCallCount);
    const warm = await load(port, rough.requestsPerSecond * options.warmUpSeconds);
    return warm.requestsPerSecond * options.roundSeconds;
  };
  const serverCalls = await callCountFor(server.grpcPort);
  const echoCalls = await callCountFor(echo.port);

  const before = (await server.metrics()).model(model.name);
  const rounds = await alternatingRounds(
    options.roundCount,
    () => cost(server.process.pid, server.grpcPort, serverCalls),
    () => cost(echo.process.pid, echo.port, echoCalls),
  );
  const growth = counterGrowth(before, (await server.metrics()).model(model.name));
  const callCount = rounds.reduce((sum, round) => sum + round.server.callCount, 0);
  // An HTTP status 200 may carry any gRPC status in its trailers: the server's own count says which were OK.
  if (growth.successCount !== callCount) {
    throw new Error(`The server counts ${growth.successCount} successes for ${callCount} calls`);
  }

  const ratios = rounds.map((round) => round.server.cpuUs / round.baseline.cpuUs);
  const echoRates = rounds.map((round) => round.baseline.callsPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "server, a call", value: median(rounds.map((round) => round.server.cpuUs)), unit: "us" },
      {
        label: "grpc-js echo, a call",
        value: median(rounds.map((round) => round.baseline.cpuUs)),
        unit: "us",
      },
      { label: "server", value: median(rounds.map((r) => r.server.callsPerSecond)), unit: "calls/s" },
      { label: "grpc-js echo", value: median(echoRates), unit: "calls/s" },
      { label: "average batch", value: growth.inferenceCount / growth.executionCount, unit: "rows" },
    ],
  };
}

/** What a large tensor costs the server beside what the gRPC library needs to carry it. */
export const grpc600k: BenchCase = {
  name: "grpc-600k",
  title: `processor time of a ModelInfer call with 600 KB in and out, ${connectionCount * streamCount} in flight, identity FP32[150000] ÷ the same of a bare grpc-js echo of the same bytes`,
  target: { direction: "at most", value: 1.5, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
