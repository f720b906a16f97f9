import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ModelDescription } from "../../../perf_analyzer/client-backend/model-description.ts";
import type { InferData } from "../../../perf_analyzer/infer-data/infer-data.ts";
import { type LoadShape, loadShapeOf } from "../../../perf_analyzer/load-shape.ts";
import type { AnalyzerOptions } from "../../../perf_analyzer/options/analyzer-options.ts";
import { parseOptions } from "../../../perf_analyzer/options/parse-options.ts";
import { modelFixture } from "./model-fixture.ts";

const at = (...times: number[]): InferData => [
  times.map((timestampMs) => ({ inputs: new Map(), expected: null, timestampMs })),
];

function shapeOf(
  argv: readonly string[],
  model: Partial<ModelDescription> = {},
  data: InferData = at(0, 100, 300),
): LoadShape {
  const commandLine = parseOptions(["-m", "m", ...argv]);
  assert.equal(commandLine.kind, "run", JSON.stringify(commandLine));
  const { options } = commandLine as { options: AnalyzerOptions };
  const isAsync = options.isAsync ?? (model.hasSequenceBatching === true || options.isStreaming);
  return loadShapeOf(options, modelFixture(model), data, isAsync);
}

const scheduled = ["--fixed-schedule", "--input-data=f.json"];
const streaming = ["-i", "grpc", "--streaming"];

describe("loadShapeOf", () => {
  it("keeps as many requests outstanding as the highest concurrency", () => {
    const shape = shapeOf(["--concurrency-range=2:6:2"]);
    assert.deepEqual(shape.levelOf(4), { kind: "concurrency", concurrency: 4 });
    assert.deepEqual([shape.maxOutstanding, shape.requestCount], [6, 0]);
    assert.equal(shapeOf(["--concurrency-range=1:0", "-l5"]).maxOutstanding, null);
  });

  it("bounds a rate by --max-threads when calls are synchronous", () => {
    assert.equal(shapeOf(["--request-rate-range=10", "--max-threads=3"]).maxOutstanding, 3);
    assert.equal(shapeOf(["--request-rate-range=10", "-a"]).maxOutstanding, null);
  });

  it("sends each entry of a schedule once, less what warms up", () => {
    const shape = shapeOf([...scheduled, "--warmup-request-count=1"]);
    const arrivals = { kind: "times", timesUs: [0, 100_000, 300_000] };
    assert.deepEqual(shape.levelOf(1), { kind: "rate", arrivals, value: 2e6 / 300_000 });
    assert.equal(shape.requestCount, 2);
    assert.throws(
      () => shapeOf([...scheduled, "--warmup-request-count=3"]),
      /must be below the 3 entries of --input-data, got 3/,
    );
  });

  it("sends a schedule for a sequence batcher as one sequence, whole", () => {
    const model = { hasSequenceBatching: true };
    assert.equal(shapeOf(scheduled, model).limits.maxOutstanding, 1);
    assert.throws(() => shapeOf([...scheduled, "--warmup-request-count=1"], model), /tear the sequence/);
  });

  it("waits for a sequence's response unless a stream keeps its requests in order", () => {
    const model = { hasSequenceBatching: true };
    const rate = ["--request-rate-range=10", "--num-of-sequences=5"];
    const isSerial = (...argv: string[]) => shapeOf([...rate, ...argv], model).limits.isSerial;
    assert.equal(isSerial(), true);
    assert.equal(isSerial(...streaming), false);
    assert.equal(isSerial(...streaming, "--serial-sequences"), true);
    assert.equal(shapeOf(rate, model).maxOutstanding, 5);
    assert.equal(shapeOf([...rate, ...streaming], model).maxOutstanding, null);
  });

  it("makes one level of a periodic range, whose end is the count of requests", () => {
    const periodic = ["--periodic-concurrency-range=2:9:3", "--request-period=4", "--profile-export-file=e"];
    const shape = shapeOf([...streaming, ...periodic]);
    assert.deepEqual(shape.range, { start: 1, end: 1, step: 1 });
    assert.deepEqual(shape.levelOf(1), {
      kind: "periodic",
      start: 2,
      end: 9,
      step: 3,
      periodResponseCount: 4,
    });
    assert.deepEqual([shape.requestCount, shape.maxOutstanding], [9, 9]);
  });
});
