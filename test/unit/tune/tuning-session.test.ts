import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { CandidateSettings } from "../../../tune/candidate-settings.ts";
import type { Measurement } from "../../../tune/measurement.ts";
import type { TuneGoal } from "../../../tune/tune-goal.ts";
import { type CandidateOutcome, TuningInterrupted, TuningSession } from "../../../tune/tuning-session.ts";
import { currentSettings, measurementOf } from "./tune-fixture.ts";

const other: CandidateSettings = { ...currentSettings, maxBatchSize: 16 };
const third: CandidateSettings = { ...currentSettings, maxBatchSize: 32 };
const throughput: TuneGoal = { objectives: [{ metric: "perf_throughput", weight: 1 }], constraints: [] };

/** A session whose candidates give these outcomes, in order, by their batch sizes. */
function sessionOf(
  scripts: Readonly<Record<number, readonly (Partial<Measurement>[] | string)[]>>,
  goal: TuneGoal = throughput,
): { session: TuningSession; measured: number[]; abort: AbortController } {
  const measured: number[] = [];
  const abort = new AbortController();
  const session = new TuningSession({
    goal,
    current: currentSettings,
    measure: ({ maxBatchSize }) => {
      const before = measured.filter((each) => each === maxBatchSize).length;
      measured.push(maxBatchSize);
      const script = scripts[maxBatchSize] ?? [];
      const step = script[Math.min(before, script.length - 1)] ?? "unscripted";
      const outcome: CandidateOutcome =
        typeof step === "string"
          ? { kind: "failed", reason: step }
          : { kind: "measured", levels: step.map(measurementOf) };
      return Promise.resolve(outcome);
    },
    signal: abort.signal,
    onMeasured: () => undefined,
  });
  return { session, measured, abort };
}

describe("TuningSession", () => {
  it("measures a candidate once, and compares it with the current settings", async () => {
    const { session, measured } = sessionOf({ 8: [[{}]], 16: [[{ throughput: 1_500 }]] });
    await session.measureCurrent();
    assert.equal(await session.fitness(other), 1.5);
    assert.equal(await session.fitness(other), 1.5);
    assert.equal(await session.fitness(currentSettings), 1);
    assert.deepEqual(measured, [8, 16]);
    assert.deepEqual(
      session.ranking().map(({ settings, isCurrent, gain }) => [settings.maxBatchSize, isCurrent, gain]),
      [
        [16, false, 1.5],
        [8, true, 1],
      ],
    );
  });

  it("says why the current settings cannot be measured", async () => {
    const { session } = sessionOf({ 8: ["--shape is missing"] });
    assert.equal(await session.measureCurrent(), "--shape is missing");
    assert.deepEqual(session.ranking(), []);
  });

  it("ranks what holds the constraints first, then by how little they are broken", async () => {
    const goal: TuneGoal = {
      ...throughput,
      constraints: [{ metric: "perf_latency_p99", bound: "max", value: 20 }],
    };
    const scripts = {
      8: [[{ p99Ms: 40 }]],
      16: [[{ throughput: 9_000, p99Ms: 30 }]],
      32: [[{ throughput: 500, p99Ms: 20 }]],
    };
    const { session } = sessionOf(scripts, goal);
    await session.measureCurrent();
    assert.equal(await session.fitness(other), -0.5);
    assert.equal(await session.fitness(third), 0.5);
    assert.deepEqual(
      session.ranking().map(({ settings, isSatisfying }) => [settings.maxBatchSize, isSatisfying]),
      [
        [32, true],
        [16, false],
        [8, false],
      ],
    );
  });

  it("takes the load that suits a candidate best", async () => {
    const goal: TuneGoal = {
      ...throughput,
      constraints: [{ metric: "perf_latency_p99", bound: "max", value: 20 }],
    };
    const levels = [
      { concurrency: 1, throughput: 200, p99Ms: 5 },
      { concurrency: 8, throughput: 800, p99Ms: 15 },
      { concurrency: 64, throughput: 900, p99Ms: 70 },
    ];
    const { session } = sessionOf({ 8: [levels] }, goal);
    await session.measureCurrent();
    assert.equal(session.ranking()[0]?.best.concurrency, 8);
  });

  it("lists what failed with the reason, and leaves it out of the ranking", async () => {
    const { session } = sessionOf({ 8: [[{}]], 16: ["it does not load"] });
    await session.measureCurrent();
    assert.equal(await session.fitness(other), Number.NEGATIVE_INFINITY);
    assert.deepEqual(session.failures(), [{ settings: other, isCurrent: false, reason: "it does not load" }]);
    assert.equal(session.ranking().length, 1);
  });

  it("measures the best again, and does not believe a single lucky measurement", async () => {
    const lucky = [{ throughput: 5_000 }];
    const { session, measured } = sessionOf({
      8: [[{ throughput: 1_000 }]],
      16: [lucky, [{ throughput: 900 }], [{ throughput: 950 }]],
      32: [[{ throughput: 1_200 }]],
    });
    await session.measureCurrent();
    await session.fitness(other);
    await session.fitness(third);
    await session.confirm();
    assert.deepEqual(
      session.ranking().map(({ settings }) => settings.maxBatchSize),
      [32, 8, 16],
    );
    for (const batch of [8, 16, 32]) {
      assert.equal(measured.filter((each) => each === batch).length, 4, String(batch));
    }
    assert.equal(session.ranking()[2]?.best.throughput, 950);
  });

  it("measures the current settings again even when they are far behind: every gain is against them", async () => {
    const { session, measured } = sessionOf({
      8: [[{ throughput: 100 }], [{ throughput: 1_000 }], [{ throughput: 900 }], [{ throughput: 1_000 }]],
      16: [[{ throughput: 1_100 }]],
    });
    await session.measureCurrent();
    await session.fitness(other);
    await session.confirm();
    assert.equal(measured.filter((each) => each === 8).length, 4);
    const [best, current] = session.ranking();
    assert.ok(Math.abs((best?.gain ?? 0) - 1_100 / 950) < 1e-9, String(best?.gain));
    assert.ok(Math.abs((current?.spread ?? 0) - 900 / 950) < 1e-9, String(current?.spread));
  });

  it("drops a finalist that fails when it is measured again", async () => {
    const { session } = sessionOf({ 8: [[{}]], 16: [[{ throughput: 2_000 }], "it crashed"] });
    await session.measureCurrent();
    await session.fitness(other);
    await session.confirm();
    assert.deepEqual(
      session.ranking().map(({ isCurrent }) => isCurrent),
      [true],
    );
    assert.equal(session.failures()[0]?.reason, "it crashed");
  });

  it("ends with what was measured when it is interrupted", async () => {
    const { session, measured, abort } = sessionOf({ 8: [[{}]], 16: [[{ throughput: 2_000 }]] });
    await session.measureCurrent();
    await session.fitness(other);
    abort.abort();
    await assert.rejects(session.fitness(third), TuningInterrupted);
    await assert.rejects(session.confirm(), TuningInterrupted);
    assert.deepEqual(measured, [8, 16]);
    assert.equal(session.ranking().length, 2);
    assert.deepEqual(session.failures(), []);
  });
});
