import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { median } from "../harness/median.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { overloadCall, writeOverloadModels } from "../harness/overload-models.ts";
import type { RequestLoadAnswer, RequestLoadQuestion } from "../harness/request-load.ts";
import { startRequestLoad } from "../harness/request-load-generator.ts";
import { StopList } from "../harness/stop-list.ts";

const peakInFlight = 48;
const overload = 2;
const leadSeconds = 1;
const highPercent = 10;
/** Under overload the queue is always full: so much waits before whoever has no priority. */
const limits = { default_queue_policy: { max_queue_size: 100 } };

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const repository = writeOverloadModels(options, {
    fifo: limits,
    levels: { ...limits, priority_levels: 2, default_priority_level: 2 },
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
      kinds: [
        { name: "high", calls: [overloadCall(options, model, 1)], percent: highPercent },
        { name: "low", calls: [overloadCall(options, model, 2)], percent: 100 - highPercent },
      ],
      pace,
      leadSeconds,
      seconds,
      lateAfterUs: Number.MAX_SAFE_INTEGER,
    });
  const peak = await load("fifo", { kind: "closed", inFlight: peakInFlight }, options.warmUpSeconds);
  const pace = { kind: "open", ratePerSecond: overload * peak.goodPerSecond } as const;
  const rounds = await alternatingRounds(
    options.roundCount,
    () => load("levels", pace, options.roundSeconds),
    () => load("fifo", pace, options.roundSeconds),
  );
  const ratios = rounds.map((round) => round.server.kinds[0]!.p50Us / round.baseline.kinds[0]!.p50Us);
  const refusedShare = (answer: RequestLoadAnswer, kind: number): number => {
    const { okCount, refusedCount } = answer.kinds[kind]!;
    return refusedCount / Math.max(1, okCount + refusedCount);
  };
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "peak", value: peak.goodPerSecond, unit: "infer/s" },
      {
        label: "high, with levels: p50",
        value: median(rounds.map((r) => r.server.kinds[0]!.p50Us)),
        unit: "us",
      },
      {
        label: "high, with levels: p99",
        value: median(rounds.map((r) => r.server.kinds[0]!.p99Us)),
        unit: "us",
      },
      {
        label: "low, with levels: p50",
        value: median(rounds.map((r) => r.server.kinds[1]!.p50Us)),
        unit: "us",
      },
      {
        label: "without levels: p50",
        value: median(rounds.map((r) => r.baseline.kinds[0]!.p50Us)),
        unit: "us",
      },
      {
        label: "high, with levels: refused",
        value: median(rounds.map((r) => refusedShare(r.server, 0))),
        unit: "",
      },
      {
        label: "low, with levels: refused",
        value: median(rounds.map((r) => refusedShare(r.server, 1))),
        unit: "",
      },
      {
        label: "without levels: refused",
        value: median(rounds.map((r) => refusedShare(r.baseline, 0))),
        unit: "",
      },
    ],
  };
}

/** What a priority is worth when not everybody can be served. */
export const overloadPriorities: BenchCase = {
  name: "overload-priorities",
  title: `p50 of the ${highPercent} % with priority 1 at ${overload} × the peak ÷ the same without priority levels, queues of 100`,
  target: { direction: "at most", value: 0.5, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
