import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel } from "../harness/bench-repository.ts";
import { coresDetail } from "../harness/cores-detail.ts";
import { meterCores } from "../harness/cpu-time.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { httpInferMessage, verifyHttpInfer } from "../harness/http-infer-message.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk, type WrkLoad } from "../harness/wrk.ts";

const connectionCount = 64;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = identityBenchModel;
  const input = benchInput(model.inputLength);
  const message = httpInferMessage(model, input, options.workDirectory);
  const server = started.add(await NereidServer.start(options.repository));
  const echo = started.add(await EchoServer.start("uws-echo"));
  await verifyHttpInfer(server.httpUrl, message, input, 0);

  const { bodyFile, headers } = message;
  const load = (baseUrl: string, seconds: number): WrkLoad => ({
    url: baseUrl + message.path,
    bodyFile,
    headers,
    connectionCount,
    seconds,
  });
  const echoUrl = `http://127.0.0.1:${echo.port}`;
  await runWrk(load(server.httpUrl, options.warmUpSeconds));
  await runWrk(load(echoUrl, options.warmUpSeconds));

  const before = (await server.metrics()).model(model.name);
  const rounds = await alternatingRounds(
    options.roundCount,
    async () => {
      const round = load(server.httpUrl, options.roundSeconds);
      const { result, cores } = await meterCores(server.process.pid, () => runWrk(round));
      return { ...result, cores };
    },
    () => runWrk(load(echoUrl, options.roundSeconds)),
  );
  const growth = counterGrowth(before, (await server.metrics()).model(model.name));

  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.requestsPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "server", value: median(rounds.map((r) => r.server.requestsPerSecond)), unit: "infer/s" },
      {
        label: "µWS echo",
        value: median(rounds.map((r) => r.baseline.requestsPerSecond)),
        unit: "requests/s",
      },
      { label: "server p50", value: median(rounds.map((r) => r.server.p50Us)), unit: "us" },
      { label: "server p99", value: median(rounds.map((r) => r.server.p99Us)), unit: "us" },
      { label: "average batch", value: growth.inferenceCount / growth.executionCount, unit: "rows" },
      ...coresDetail(
        "server process",
        rounds.map((r) => r.server.cores),
      ),
      ...coresDetail(
        "wrk on the server",
        rounds.map((r) => r.server.generatorCores),
      ),
      ...coresDetail(
        "wrk on the echo",
        rounds.map((r) => r.baseline.generatorCores),
      ),
    ],
  };
}

/** How much of the HTTP library's own rate is left when it serves a model. */
export const httpThroughput: BenchCase = {
  name: "http-throughput",
  title: `HTTP binary infer/s at ${connectionCount} connections, identity FP32[16] ÷ bare µWS echo of the same bodies`,
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
