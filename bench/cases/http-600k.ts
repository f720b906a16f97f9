import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { largeIdentityBenchModel } from "../harness/bench-repository.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { httpCost } from "../harness/http-cost.ts";
import { httpInferMessage, verifyHttpInfer } from "../harness/http-infer-message.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk, type WrkLoad } from "../harness/wrk.ts";

/** Few requests in flight: what counts is what one costs. */
const connectionCount = 4;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = largeIdentityBenchModel;
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
    () => httpCost(server.process, load(server.httpUrl, options.roundSeconds)),
    () => httpCost(echo.process, load(echoUrl, options.roundSeconds)),
  );
  const growth = counterGrowth(before, (await server.metrics()).model(model.name));

  const ratios = rounds.map((round) => round.server.cpuUs / round.baseline.cpuUs);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "server, a request", value: median(rounds.map((r) => r.server.cpuUs)), unit: "us" },
      { label: "µWS echo, a request", value: median(rounds.map((r) => r.baseline.cpuUs)), unit: "us" },
      { label: "server", value: median(rounds.map((r) => r.server.requestsPerSecond)), unit: "infer/s" },
      {
        label: "µWS echo",
        value: median(rounds.map((r) => r.baseline.requestsPerSecond)),
        unit: "requests/s",
      },
      { label: "average batch", value: growth.inferenceCount / growth.executionCount, unit: "rows" },
    ],
  };
}

/** What a large tensor costs the server beside what the HTTP library needs to carry it. */
export const http600k: BenchCase = {
  name: "http-600k",
  title: `processor time of an HTTP binary request with 600 KB in and out, ${connectionCount} in flight, identity FP32[150000] ÷ the same of a bare µWS echo of the same body`,
  target: { direction: "at most", value: 1.3, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
