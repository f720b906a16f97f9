import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failure } from "../../../../server/core/status.ts";
import { ModelStatistics } from "../../../../server/statistics/model-statistics.ts";
import { reportStatistics } from "../../../../server/statistics/statistics-report.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

const times = {
  computeStartUs: 1_030,
  computeInputEndUs: 1_035.25,
  computeOutputStartUs: 1_055.5,
  computeEndUs: 1_062,
};

describe("reportStatistics", () => {
  it("gives everything, zero, for a model that was never asked", () => {
    const zero = { count: 0, ns: 0 };
    const report = reportStatistics({ name: "m", version: "3", statistics: new ModelStatistics() });
    // Members in Triton's order.
    assert.equal(
      JSON.stringify(report),
      JSON.stringify({
        name: "m",
        version: "3",
        last_inference: 0,
        inference_count: 0,
        execution_count: 0,
        inference_stats: {
          success: zero,
          fail: zero,
          queue: zero,
          compute_input: zero,
          compute_infer: zero,
          compute_output: zero,
          cache_hit: zero,
          cache_miss: zero,
        },
        response_stats: {},
        batch_stats: [],
        memory_usage: [],
      }),
    );
  });

  it("gives durations in whole nanoseconds, with the count of what took them", () => {
    const statistics = new ModelStatistics();
    for (const batchSize of [3, 1]) {
      const { request } = makeRequest({ batchSize });
      statistics.onSuccess(Object.assign(request, { requestStartUs: 1_000, queueStartUs: 1_010, ...times }));
    }
    statistics.failureUs = 1.0004;
    statistics.failureCount = 1;
    const { inference_count, inference_stats } = reportStatistics({ name: "m", version: "1", statistics });
    assert.equal(inference_count, 4);
    assert.deepEqual(inference_stats, {
      success: { count: 2, ns: 124_000 },
      fail: { count: 1, ns: 1_000 },
      queue: { count: 2, ns: 40_000 },
      compute_input: { count: 2, ns: 10_500 },
      compute_infer: { count: 2, ns: 40_500 },
      compute_output: { count: 2, ns: 13_000 },
      cache_hit: { count: 0, ns: 0 },
      cache_miss: { count: 0, ns: 0 },
    });
  });

  it("counts requests that failed after they were accepted", () => {
    const statistics = new ModelStatistics();
    const { request } = makeRequest();
    statistics.onFailed(request, failure("CANCELLED", "gone"), false);
    const report = reportStatistics({ name: "m", version: "1", statistics });
    assert.equal(report.inference_stats.fail.count, 1);
    assert.ok(Number.isInteger(report.inference_stats.fail.ns));
    assert.equal(report.inference_stats.success.count, 0);
  });

  it("lists executions by batch size, ascending as numbers", () => {
    const statistics = new ModelStatistics();
    for (const rows of [10, 2, 10]) statistics.onExecution(rows, times);
    const report = reportStatistics({ name: "m", version: "1", statistics });
    assert.equal(report.execution_count, 3);
    assert.equal(report.last_inference, statistics.lastInferenceMs);
    assert.deepEqual(report.batch_stats, [
      {
        batch_size: 2,
        compute_input: { count: 1, ns: 5_250 },
        compute_infer: { count: 1, ns: 20_250 },
        compute_output: { count: 1, ns: 6_500 },
      },
      {
        batch_size: 10,
        compute_input: { count: 2, ns: 10_500 },
        compute_infer: { count: 2, ns: 40_500 },
        compute_output: { count: 2, ns: 13_000 },
      },
    ]);
  });

  it("lists the answers of decoupled models by their position", () => {
    const statistics = new ModelStatistics();
    const at = { startUs: 10, outputStartUs: 12, endUs: 13 };
    statistics.onResponse(0, "success", at);
    statistics.onResponse(0, "fail", at);
    statistics.onResponse(1, "empty_response", at);
    statistics.onResponse(2, "cancel", at);
    const { response_stats: responses } = reportStatistics({ name: "m", version: "1", statistics });
    const none = { count: 0, ns: 0 };
    const once = { count: 1, ns: 3_000 };
    assert.deepEqual(responses, {
      0: {
        compute_infer: { count: 2, ns: 4_000 },
        compute_output: { count: 2, ns: 2_000 },
        success: once,
        fail: once,
        empty_response: none,
        cancel: none,
      },
      1: {
        compute_infer: none,
        compute_output: none,
        success: none,
        fail: none,
        empty_response: once,
        cancel: none,
      },
      2: {
        compute_infer: none,
        compute_output: none,
        success: none,
        fail: none,
        empty_response: none,
        cancel: once,
      },
    });
  });

  it("tells the first 1,024 positions apart, so that a long answer does not grow for ever", () => {
    const statistics = new ModelStatistics();
    const at = { startUs: 1, outputStartUs: 1, endUs: 1 };
    for (let index = 0; index < 2_000; index++) statistics.onResponse(index, "success", at);
    const { response_stats: responses } = reportStatistics({ name: "m", version: "1", statistics });
    assert.equal(Object.keys(responses).length, 1_024);
  });
});
