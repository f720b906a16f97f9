import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { monotonicNowUs } from "../../../../server/core/clock.ts";
import { failure, rejection } from "../../../../server/core/status.ts";
import { ModelStatistics } from "../../../../server/statistics/model-statistics.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

const times = {
  computeStartUs: 1_030,
  computeInputEndUs: 1_035,
  computeOutputStartUs: 1_055,
  computeEndUs: 1_062,
};

function executed(batchSize: number) {
  const { request } = makeRequest({ batchSize });
  return Object.assign(request, { requestStartUs: 1_000, queueStartUs: 1_010, ...times });
}

describe("ModelStatistics", () => {
  it("charges a successful request from its start to the end of its batch", () => {
    const statistics = new ModelStatistics();
    statistics.onSuccess(executed(3));
    statistics.onSuccess(executed(2));
    assert.equal(statistics.successCount, 2);
    assert.equal(statistics.inferenceCount, 5);
    assert.equal(statistics.requestUs, 2 * 62);
    assert.equal(statistics.queueUs, 2 * 20);
    assert.equal(statistics.computeInputUs, 2 * 5);
    assert.equal(statistics.computeInferUs, 2 * 20);
    assert.equal(statistics.computeOutputUs, 2 * 7);
    assert.equal(statistics.failureCount, 0);
  });

  it("counts an empty batch as one inference", () => {
    const statistics = new ModelStatistics();
    statistics.onSuccess(executed(0));
    assert.equal(statistics.inferenceCount, 1);
  });

  it("counts executions by their rows, with their own durations", () => {
    const statistics = new ModelStatistics();
    const before = Date.now();
    statistics.onExecution(4, times);
    statistics.onExecution(4, times);
    statistics.onExecution(1, times);
    assert.equal(statistics.executionCount, 3);
    assert.deepEqual([...statistics.batches.keys()], [4, 1]);
    const { count, computeInputUs, computeInferUs, computeOutputUs } = statistics.batches.get(4)!;
    assert.deepEqual([count, computeInputUs, computeInferUs, computeOutputUs], [2, 10, 40, 14]);
    assert.ok(statistics.lastInferenceMs >= before && statistics.lastInferenceMs <= Date.now());
  });

  it("takes dispatched requests from those that are pending", () => {
    const statistics = new ModelStatistics();
    statistics.pendingCount = 5;
    statistics.onDispatch(3);
    assert.equal(statistics.pendingCount, 2);
  });

  for (const [cause, wasExecuting, reason] of [
    [failure("CANCELLED", "the client has gone"), false, "CANCELED"],
    [failure("CANCELLED", "the client has gone"), true, "CANCELED"],
    [failure("INTERNAL", "it broke"), true, "BACKEND"],
    [failure("UNAVAILABLE", "it broke"), true, "BACKEND"],
    [rejection("waited too long"), false, "REJECTED"],
    [failure("UNAVAILABLE", "no instance is left"), false, "OTHER"],
    [failure("INTERNAL", "a bug"), false, "OTHER"],
  ] as const) {
    it(`files '${cause.message}' ${wasExecuting ? "of an execution" : "in the queue"} under ${reason}`, () => {
      const statistics = new ModelStatistics();
      statistics.pendingCount = 1;
      const { request } = makeRequest();
      request.requestStartUs = monotonicNowUs() - 500;
      statistics.onFailed(request, cause, wasExecuting);
      const expected: Record<string, number> = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 };
      expected[reason] = 1;
      assert.deepEqual(statistics.failureCountByReason, expected);
      assert.equal(statistics.failureCount, 1);
      assert.equal(statistics.pendingCount, wasExecuting ? 1 : 0);
      assert.ok(statistics.failureUs >= 500);
      assert.equal(statistics.successCount, 0);
    });
  }
});
