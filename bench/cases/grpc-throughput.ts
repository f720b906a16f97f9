import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel } from "../harness/bench-repository.ts";
import { coresDetail } from "../harness/cores-detail.ts";
import { meterCores } from "../harness/cpu-time.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { grpcInferMessage, modelInferPath, verifyGrpcInfer } from "../harness/grpc-infer-message.ts";
import { type H2loadResult, runH2load } from "../harness/h2load.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";

const connectionCount = 4;
const streamCount = 8;
/** Calls that tell the rate roughly; h2load then gets a fixed number of calls, so that none is cut off at the end. */
const firstCallCount = 4_000;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = identityBenchModel;
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
    async () => {
      const { result, cores } = await meterCores(server.process.pid, () =>
        load(server.grpcPort, serverCalls),
      );
      return { ...result, cores };
    },
    () => load(echo.port, echoCalls),
  );
  const growth = counterGrowth(before, (await server.metrics()).model(model.name));
  const callCount = rounds.reduce((sum, round) => sum + round.server.requestCount, 0);
  // An HTTP status 200 may carry any gRPC status in its trailers: the server's own count says which were OK.
  if (growth.successCount !== callCount) {
    throw new Error(`The server counts ${growth.successCount} successes for ${callCount} calls`);
  }

  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.requestsPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "server", value: median(rounds.map((r) => r.server.requestsPerSecond)), unit: "calls/s" },
      {
        label: "grpc-js echo",
        value: median(rounds.map((r) => r.baseline.requestsPerSecond)),
        unit: "calls/s",
      },
      { label: "server mean", value: median(rounds.map((r) => r.server.meanUs)), unit: "us" },
      { label: "average batch", value: growth.inferenceCount / growth.executionCount, unit: "rows" },
      ...coresDetail(
        "server process",
        rounds.map((r) => r.server.cores),
      ),
      ...coresDetail(
        "h2load on the server",
        rounds.map((r) => r.server.generatorCores),
      ),
      ...coresDetail(
        "h2load on the echo",
        rounds.map((r) => r.baseline.generatorCores),
      ),
    ],
  };
}

/** How much of the gRPC library's own rate is left when it serves a model. */
export const grpcThroughput: BenchCase = {
  name: "grpc-throughput",
  title: `gRPC ModelInfer/s, ${connectionCount * streamCount} in flight, identity FP32[16] ÷ bare grpc-js echo of the same bytes`,
  target: { direction: "at least", value: 0.7, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
