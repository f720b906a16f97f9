import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { type BenchModel, cachedMlpBenchModel, mlpBenchModel } from "../harness/bench-repository.ts";
import { callHttp } from "../harness/http-call.ts";
import { type HttpInferMessage, httpInferMessage } from "../harness/http-infer-message.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk, type WrkResult } from "../harness/wrk.ts";

const connectionCount = 64;
const cacheArgs = ["--cache-config=local,size=1000000"];

/** The tensors of the answer. @throws Error unless it is one. */
async function outputBytes(baseUrl: string, { path, headers, body }: HttpInferMessage): Promise<Buffer> {
  const answer = await callHttp(baseUrl + path, { headers, body });
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body.toString()}`);
  return answer.body.subarray(Number(answer.headers["inference-header-content-length"]));
}

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const server = started.add(await NereidServer.start(options.repository, 20, cacheArgs));
  const messageFor = (model: BenchModel): HttpInferMessage =>
    httpInferMessage(model, benchInput(model.inputLength), options.workDirectory);
  const [plain, cached] = [messageFor(mlpBenchModel), messageFor(cachedMlpBenchModel)];
  const expected = await outputBytes(server.httpUrl, plain);
  // The first one fills the cache, the second one comes from it.
  for (let i = 0; i < 2; i++) {
    if (!expected.equals(await outputBytes(server.httpUrl, cached)))
      throw new Error("The cache answers wrongly");
  }
  const load = ({ path, bodyFile, headers }: HttpInferMessage, seconds: number): Promise<WrkResult> =>
    runWrk({ url: server.httpUrl + path, bodyFile, headers, connectionCount, seconds });
  await load(plain, options.warmUpSeconds);
  await load(cached, options.warmUpSeconds);

  const before = (await server.metrics()).model(cachedMlpBenchModel.name);
  const rounds = await alternatingRounds(
    options.roundCount,
    () => load(cached, options.roundSeconds),
    () => load(plain, options.roundSeconds),
  );
  const growth = counterGrowth(before, (await server.metrics()).model(cachedMlpBenchModel.name));
  if (growth.executionCount > 0) throw new Error(`${growth.executionCount} hits were executed`);

  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.requestsPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "hits", value: median(rounds.map((r) => r.server.requestsPerSecond)), unit: "requests/s" },
      { label: "executed", value: median(rounds.map((r) => r.baseline.requestsPerSecond)), unit: "infer/s" },
      { label: "hits p50", value: median(rounds.map((r) => r.server.p50Us)), unit: "us" },
      { label: "executed p50", value: median(rounds.map((r) => r.baseline.p50Us)), unit: "us" },
    ],
  };
}

/** What answering from the response cache saves. */
export const cacheHit: BenchCase = {
  name: "cache-hit",
  title: `HTTP binary requests/s from the response cache ÷ the same model without, 784-512-512-10 perceptron, ${connectionCount} connections`,
  target: { direction: "at least", value: 1.2, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
