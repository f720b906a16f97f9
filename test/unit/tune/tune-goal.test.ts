import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { describeGoal, fitnessOf, gainOver, type TuneGoal, violationOf } from "../../../tune/tune-goal.ts";
import { measurementOf } from "./tune-fixture.ts";

const reference = measurementOf();

describe("gainOver", () => {
  it("is the ratio of one objective, above 1 when it is better", () => {
    const throughput: TuneGoal = { objectives: [{ metric: "perf_throughput", weight: 3 }], constraints: [] };
    assert.equal(gainOver(throughput, measurementOf({ throughput: 1_250 }), reference), 1.25);
    const latency: TuneGoal = { objectives: [{ metric: "perf_latency_p99", weight: 1 }], constraints: [] };
    assert.equal(gainOver(latency, measurementOf({ p99Ms: 5 }), reference), 2);
  });

  it("weighs objectives against each other", () => {
    const goal: TuneGoal = {
      objectives: [
        { metric: "perf_throughput", weight: 2 },
        { metric: "cpu_used_ram", weight: 1 },
      ],
      constraints: [],
    };
    // Twice the throughput, twice as heavy, for four times the memory: as good as before.
    const gain = gainOver(goal, measurementOf({ throughput: 2_000, memoryMb: 400 }), reference);
    assert.ok(Math.abs(gain - 1) < 1e-12, String(gain));
  });

  it("leaves out what a system does not say", () => {
    const goal: TuneGoal = { objectives: [{ metric: "cpu_used_ram", weight: 1 }], constraints: [] };
    assert.equal(gainOver(goal, measurementOf({ memoryMb: null }), reference), 1);
  });
});

describe("violationOf", () => {
  const goal: TuneGoal = {
    objectives: [{ metric: "perf_throughput", weight: 1 }],
    constraints: [
      { metric: "perf_latency_p99", bound: "max", value: 10 },
      { metric: "perf_throughput", bound: "min", value: 1_000 },
    ],
  };

  it("is 0 when all constraints hold, their bounds included", () => {
    assert.equal(violationOf(goal, reference), 0);
    assert.equal(fitnessOf(goal, reference, reference), 1);
  });

  it("adds up how far each is broken", () => {
    const bad = measurementOf({ p99Ms: 15, throughput: 500 });
    assert.equal(violationOf(goal, bad), 1.5);
    assert.equal(fitnessOf(goal, bad, reference), -1.5);
  });
});

describe("describeGoal", () => {
  it("names metrics, weights, bounds and units", () => {
    const objectives = [
      { metric: "perf_throughput", weight: 2 },
      { metric: "perf_latency_p99", weight: 1 },
    ] as const;
    const constraints = [{ metric: "cpu_used_ram", bound: "max", value: 500 }] as const;
    assert.equal(
      describeGoal({ objectives, constraints }),
      "perf_throughput (weight 2), perf_latency_p99 (weight 1) while cpu_used_ram ≤ 500 MB",
    );
  });
});
