import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  type Arrivals,
  ArrivalSchedule,
  meanRate,
} from "../../../../perf_analyzer/load-manager/arrival-schedule.ts";
import { readRequestIntervals } from "../../../../perf_analyzer/load-manager/request-intervals.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

const take = (arrivals: Arrivals, count: number): number[] => {
  const schedule = new ArrivalSchedule(arrivals);
  return Array.from({ length: count }, () => schedule.next());
};

describe("ArrivalSchedule", () => {
  it("spaces constant arrivals evenly, without drift", () => {
    const arrivals = { kind: "constant", ratePerSecond: 3 } as const;
    const times = take(arrivals, 3_000_001);
    assert.equal(times[0], 0);
    assert.equal(times[3_000_000], 1e12);
  });

  it("has the rate and the exponential gaps of a Poisson process, repeatable by its seed", () => {
    const arrivals = { kind: "poisson", ratePerSecond: 1_000, seed: 7 } as const;
    const times = take(arrivals, 50_001);
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    assert.ok(Math.abs(mean - 1_000) < 20, `mean gap ${mean} µs`);
    // Of an exponential distribution e^-1 of the gaps are longer than the mean.
    const longShare = gaps.filter((gap) => gap > mean).length / gaps.length;
    assert.ok(Math.abs(longShare - Math.exp(-1)) < 0.01, `share ${longShare}`);
    assert.deepEqual(take(arrivals, 10), times.slice(0, 10));
    assert.notDeepEqual(take({ ...arrivals, seed: 8 }, 10), times.slice(0, 10));
  });

  it("repeats custom intervals", () => {
    const arrivals = { kind: "intervals", intervalsUs: [10, 20, 70] } as const;
    assert.deepEqual(take(arrivals, 6), [0, 10, 30, 100, 110, 130]);
    assert.equal(meanRate(arrivals), 30_000);
  });
});

describe("readRequestIntervals", () => {
  const directory = useTestDirectory();

  it("reads one interval a line", () => {
    assert.deepEqual(readRequestIntervals(directory.write("100\n 200 \n\n0\n", "f")), [100, 200, 0]);
  });

  it("says where a line is wrong", () => {
    const file = directory.write("100\n1.5\n", "f");
    assert.throws(
      () => readRequestIntervals(file),
      /f:2: expects an interval in whole microseconds, got "1\.5"/,
    );
    assert.throws(() => readRequestIntervals(directory.write("0\n", "g")), /at least one interval above 0/);
    assert.throws(() => readRequestIntervals(directory.in("none")), /Cannot read --request-intervals/);
  });
});

describe("meanRate of set times", () => {
  it("counts the gaps between requests", () => {
    assert.equal(meanRate({ kind: "times", timesUs: [0, 100_000, 500_000] }), 4);
    assert.equal(meanRate({ kind: "times", timesUs: [0, 0] }), 2);
  });
});
