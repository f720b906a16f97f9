import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { median } from "../harness/median.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { overloadCall, writeOverloadModels } from "../harness/overload-models.ts";
import type { KindResult, RequestLoadAnswer, RequestLoadQuestion } from "../harness/request-load.ts";
import { startRequestLoad } from "../harness/request-load-generator.ts";
import { StopList } from "../harness/stop-list.ts";

const latencyTargetUs = 200_000;
/** Keeps two full batches for the only instance at hand: more would only wait. */
const peakInFlight = 48;
const overload = 2;
/** The learning and the first wave. */
const leadSeconds = 1;

/** One round: what the model can do, then twice as much asked of it. */
interface OverloadRound {
  readonly peakPerSecond: number;
  readonly target: RequestLoadAnswer;
}

interface Overload {
  readonly rounds: readonly OverloadRound[];
  /** The same load without a target: once, because its backlog takes as long again. */
  readonly plain: RequestLoadAnswer;
}

async function measure(options: BenchOptions, started: StopList): Promise<Overload> {
  const repository = writeOverloadModels(options, {
    plain: {},
    target: { latency_target_microseconds: latencyTargetUs },
  });
  const server = started.add(await NereidServer.start(repository));
  const generator = started.add(startRequestLoad());
  const load = (
    model: string,
    pace: RequestLoadQuestion["pace"],
    seconds: number,
  ): Promise<RequestLoadAnswer> =>
    generator.ask({
      baseUrl: server.httpUrl,
      kinds: [{ name: "all", calls: [overloadCall(options, model)], percent: 100 }],
      pace,
      leadSeconds,
      seconds,
      lateAfterUs: latencyTargetUs,
    });
  const peak = { kind: "closed", inFlight: peakInFlight } as const;
  const twice = (peakPerSecond: number) =>
    ({ kind: "open", ratePerSecond: overload * peakPerSecond }) as const;
  await load("plain", peak, options.warmUpSeconds);
  await load("target", peak, options.warmUpSeconds);
  const rounds: OverloadRound[] = [];
  for (let i = 0; i < options.roundCount; i++) {
    const peakPerSecond = throughputOf(await load("plain", peak, options.roundSeconds), options);
    rounds.push({ peakPerSecond, target: await load("target", twice(peakPerSecond), options.roundSeconds) });
  }
  const peakPerSecond = median(rounds.map((round) => round.peakPerSecond));
  return { rounds, plain: await load("plain", twice(peakPerSecond), options.roundSeconds) };
}

function only(answer: RequestLoadAnswer): KindResult {
  return answer.kinds[0]!;
}

function throughputOf(answer: RequestLoadAnswer, options: BenchOptions): number {
  return only(answer).okCount / options.roundSeconds;
}

function lateShare(answer: RequestLoadAnswer): number {
  const { okCount, lateCount } = only(answer);
  return okCount === 0 ? 1 : lateCount / okCount;
}

/** @param measuredOf - The number that the case is about, of one round. */
function resultOf({ rounds, plain }: Overload, measuredOf: (round: OverloadRound) => number): CaseResult {
  const peakPerSecond = median(rounds.map((round) => round.peakPerSecond));
  const measured = rounds.map(measuredOf);
  const targets = rounds.map((round) => round.target);
  return {
    measured: median(measured),
    rounds: measured,
    details: [
      { label: "peak", value: peakPerSecond, unit: "infer/s" },
      {
        label: "in time with the target",
        value: median(targets.map((t) => t.goodPerSecond)),
        unit: "infer/s",
      },
      { label: "in time without it ÷ peak", value: plain.goodPerSecond / peakPerSecond, unit: "" },
      { label: "late share of admitted with the target", value: median(targets.map(lateShare)), unit: "" },
      { label: "late share without it", value: lateShare(plain), unit: "" },
      { label: "p99 with the target", value: median(targets.map((t) => only(t).p99Us)), unit: "us" },
      { label: "p99 without it", value: only(plain).p99Us, unit: "us" },
      { label: "generator", value: median(targets.map((t) => t.generatorCores)), unit: "cores" },
    ],
  };
}

async function run(options: BenchOptions, measuredOf: (round: OverloadRound) => number): Promise<CaseResult> {
  const started = new StopList();
  try {
    return resultOf(await measure(options, started), measuredOf);
  } finally {
    await started.stopAll();
  }
}

/** How much of the peak is still served in time when twice as much is asked for. */
export const overloadGoodput: BenchCase = {
  name: "overload-goodput",
  title: `answers within ${latencyTargetUs / 1_000} ms at ${overload} × the peak with latency_target_microseconds ÷ the peak of plain dynamic batching`,
  target: { direction: "at least", value: 0.95, unit: "" },
  run: (options) => run(options, (round) => round.target.goodPerSecond / round.peakPerSecond),
};

/** How many of those that were let in were let in wrongly. */
export const overloadLate: BenchCase = {
  name: "overload-late",
  title: `admitted requests answered later than ${latencyTargetUs / 1_000} ms ÷ all admitted, at ${overload} × the peak with latency_target_microseconds`,
  target: { direction: "at most", value: 0.01, unit: "" },
  run: (options) => run(options, (round) => lateShare(round.target)),
};
