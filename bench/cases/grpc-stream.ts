import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel } from "../harness/bench-repository.ts";
import { coresDetail } from "../harness/cores-detail.ts";
import { meterCores } from "../harness/cpu-time.ts";
import { EchoServer } from "../harness/echo-server.ts";
import {
  grpcInferMessage,
  grpcStreamBody,
  modelStreamInferPath,
  verifyGrpcStream,
} from "../harness/grpc-infer-message.ts";
import { type H2loadResult, runH2load } from "../harness/h2load.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";

const connectionCount = 2;
/** Open at a time on each connection. */
const streamCount = 2;
/** Requests of each stream, sent as fast as the server takes them. */
const messageCount = 500;
/** Streams that tell the rate roughly; h2load then gets a fixed number, so that none is cut off at the end. */
const firstStreamCount = 16;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = identityBenchModel;
  const input = benchInput(model.inputLength);
  const message = await grpcInferMessage(model, input, options.workDirectory);
  const server = started.add(await NereidServer.start(options.repository));
  const echo = started.add(await EchoServer.start("grpc-echo"));
  await verifyGrpcStream(server.grpcPort, message, input);
  const bodyFile = grpcStreamBody(message, messageCount, options.workDirectory);

  const load = (port: number, requestCount: number): Promise<H2loadResult> =>
    runH2load({
      url: `http://127.0.0.1:${port}${modelStreamInferPath}`,
      bodyFile,
      connectionCount,
      streamCount,
      requestCount: Math.ceil(requestCount),
    });
  /** Warms up, and returns the number of streams for one round. */
  const streamsFor = async (port: number): Promise<number> => {
    const rough = await load(port, firstStreamCount);
    const warm = await load(port, rough.requestsPerSecond * options.warmUpSeconds);
    return warm.requestsPerSecond * options.roundSeconds;
  };
  const serverStreams = await streamsFor(server.grpcPort);
  const echoStreams = await streamsFor(echo.port);

  const before = (await server.metrics()).model(model.name);
  const rounds = await alternatingRounds(
    options.roundCount,
    async () => {
      const { result, cores } = await meterCores(server.process.pid, () =>
        load(server.grpcPort, serverStreams),
      );
      return { ...result, cores };
    },
    () => load(echo.port, echoStreams),
  );
  const growth = counterGrowth(before, (await server.metrics()).model(model.name));
  const requestCount = messageCount * rounds.reduce((sum, round) => sum + round.server.requestCount, 0);
  // What a stream answers is not looked at: the server's own count says which requests were OK.
  if (growth.successCount !== requestCount) {
    throw new Error(`The server counts ${growth.successCount} successes for ${requestCount} requests`);
  }

  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.requestsPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      {
        label: "server",
        value: messageCount * median(rounds.map((r) => r.server.requestsPerSecond)),
        unit: "requests/s",
      },
      {
        label: "grpc-js echo",
        value: messageCount * median(rounds.map((r) => r.baseline.requestsPerSecond)),
        unit: "messages/s",
      },
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

/** How much of the gRPC library's own rate over streams is left when it serves a model. */
export const grpcStream: BenchCase = {
  name: "grpc-stream",
  title: `ModelStreamInfer requests/s over ${connectionCount * streamCount} streams of ${messageCount} each, identity FP32[16] ÷ messages/s of a bare grpc-js bidi echo of the same bytes`,
  target: { direction: "at least", value: 0.6, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
