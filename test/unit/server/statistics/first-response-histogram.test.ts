import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { failure } from "../../../../server/core/status.ts";
import { FirstResponseHistogram } from "../../../../server/statistics/first-response-histogram.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

const response = new InferenceResponse({
  modelName: "m",
  modelVersion: "1",
  id: "",
  outputs: [],
  parameters: null,
  buffer: null,
});

function histogramOf(clock: ManualClock): FirstResponseHistogram {
  return new FirstResponseHistogram([1, 10], () => clock.nowUs());
}

function begin(clock: ManualClock, histogram: FirstResponseHistogram) {
  const { request } = makeRequest();
  request.requestStartUs = clock.nowUs();
  request.firstResponseListener = histogram;
  return request;
}

describe("FirstResponseHistogram", () => {
  it("FirstResponseHistogram counts whole milliseconds, bounds included", () => {
    const clock = new ManualClock();
    const histogram = histogramOf(clock);
    for (const us of [0, 1_999, 2_000, 10_999, 11_000, 50_000]) {
      const request = begin(clock, histogram);
      clock.advance(us);
      request.complete(response);
    }
    assert.deepEqual(histogram.cumulativeCounts(), [2, 4, 6]);
    assert.equal(histogram.sumMs, 0 + 1 + 2 + 10 + 11 + 50);
  });

  it("FirstResponseHistogram takes the first of several responses only", () => {
    const clock = new ManualClock();
    const histogram = histogramOf(clock);
    const request = begin(clock, histogram);
    clock.advance(5_000);
    request.respond(response);
    assert.deepEqual(histogram.cumulativeCounts(), [0, 1, 1]);
    clock.advance(5_000);
    request.respond(response);
    request.complete(response);
    assert.deepEqual(histogram.cumulativeCounts(), [0, 1, 1]);
  });

  it("FirstResponseHistogram counts a failure as a response, as Triton does, and an end without one not", () => {
    const clock = new ManualClock();
    const histogram = histogramOf(clock);
    begin(clock, histogram).fail(failure("INTERNAL", "x"));
    const streamed = begin(clock, histogram);
    streamed.respondFailure(failure("INTERNAL", "x"));
    streamed.end();
    assert.deepEqual(histogram.cumulativeCounts(), [2, 2, 2]);
    begin(clock, histogram).end();
    assert.deepEqual(histogram.cumulativeCounts(), [2, 2, 2]);
  });
});
