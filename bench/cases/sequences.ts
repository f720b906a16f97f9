import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel, sumBenchModel, sumBenchSequenceCount } from "../harness/bench-repository.ts";
import { coresDetail } from "../harness/cores-detail.ts";
import { meterCores } from "../harness/cpu-time.ts";
import {
  type HttpSequenceMessages,
  httpSequenceMessages,
  verifyHttpInfer,
} from "../harness/http-infer-message.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk } from "../harness/wrk.ts";

const connectionCount = 64;
/** All ids have as many digits. */
const firstId = 10_000;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const input = benchInput(sumBenchModel.inputLength);
  const ids = Array.from({ length: sumBenchSequenceCount }, (_, i) => firstId + i);
  const sum = httpSequenceMessages(sumBenchModel, input, ids, options.workDirectory);
  const identity = httpSequenceMessages(identityBenchModel, input, ids, options.workDirectory);
  const server = started.add(await NereidServer.start(options.repository));
  await verifyHttpInfer(server.httpUrl, identity, input, 0);
  // All of them live from here on, each with a state of its own.
  for (const start of sum.starts) await verifyHttpInfer(server.httpUrl, start, input, 0);
  const twice = input.map((value) => 2 * value);
  await verifyHttpInfer(server.httpUrl, sum, twice, 0);

  const load = (message: HttpSequenceMessages, seconds: number) => {
    const { bodyFile, bodyBytes, headers, path } = message;
    return runWrk({ url: server.httpUrl + path, bodyFile, bodyBytes, headers, connectionCount, seconds });
  };
  await load(sum, options.warmUpSeconds);
  await load(identity, options.warmUpSeconds);

  const before = (await server.metrics()).model(sumBenchModel.name);
  const rounds = await alternatingRounds(
    options.roundCount,
    async () => {
      const { result, cores } = await meterCores(server.process.pid, () => load(sum, options.roundSeconds));
      return { ...result, cores };
    },
    () => load(identity, options.roundSeconds),
  );
  const growth = counterGrowth(before, (await server.metrics()).model(sumBenchModel.name));

  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.requestsPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "sequences", value: median(rounds.map((r) => r.server.requestsPerSecond)), unit: "infer/s" },
      {
        label: "without sequences",
        value: median(rounds.map((r) => r.baseline.requestsPerSecond)),
        unit: "infer/s",
      },
      { label: "p50", value: median(rounds.map((r) => r.server.p50Us)), unit: "us" },
      { label: "p99", value: median(rounds.map((r) => r.server.p99Us)), unit: "us" },
      { label: "average batch", value: growth.inferenceCount / growth.executionCount, unit: "rows" },
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

/** What it costs to keep a thousand sequences apart and to carry their states. */
export const sequences: BenchCase = {
  name: "sequences",
  title: `infer/s of ${sumBenchSequenceCount} live sequences with a state FP32[16] at ${connectionCount} connections, oldest strategy ÷ infer/s of identity FP32[16] with dynamic batching`,
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
