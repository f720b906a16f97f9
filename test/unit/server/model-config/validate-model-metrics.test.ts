import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ConfigProblems } from "../../../../server/model-config/config-problems.ts";
import type { ModelMetrics } from "../../../../server/model-config/model-config.gen.ts";
import { validateModelMetrics } from "../../../../server/model-config/validate-model-metrics.ts";

function problemsOf(...controls: NonNullable<ModelMetrics["metric_control"]>): string {
  const problems = new ConfigProblems("m");
  validateModelMetrics({ model_metrics: { metric_control: controls } }, problems);
  try {
    problems.throwIfAny();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return "";
}

describe("validateModelMetrics", () => {
  const metric_identifier = { family: "f" };
  const at = '"model_metrics.metric_control\\[0\\]';

  it("validateModelMetrics refuses a change without a metric or without buckets, and says so at once", () => {
    const name = new RegExp(`${at}" must name a metric: metric_identifier.family`);
    const bounds = new RegExp(`${at}" must have at least one bound: histogram_options.buckets`);
    for (const empty of [{}, { metric_identifier: { family: "" }, histogram_options: { buckets: [] } }]) {
      assert.match(problemsOf(empty), name);
      assert.match(problemsOf(empty), bounds);
    }
    assert.match(problemsOf({ metric_identifier }), bounds);
  });

  for (const buckets of [
    [2, 1],
    [1, 1],
    [1, Number.POSITIVE_INFINITY],
    [Number.NaN],
    [Number.NEGATIVE_INFINITY, 1],
  ]) {
    it(`validateModelMetrics refuses the buckets ${buckets.join()}`, () => {
      assert.match(
        problemsOf({ metric_identifier, histogram_options: { buckets } }),
        new RegExp(`${at}.histogram_options.buckets" must ascend`),
      );
    });
  }

  it("validateModelMetrics allows ascending buckets of any metric", () => {
    assert.equal(problemsOf({ metric_identifier, histogram_options: { buckets: [-1, 0, 0.5, 1e9] } }), "");
    assert.equal(problemsOf(), "");
  });
});
