import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { requestState } from "../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { failure } from "../../../../server/core/status.ts";
import type { SampledRequest } from "../../../../server/tracing/sampled-request.ts";
import { TracedSink } from "../../../../server/tracing/traced-sink.ts";
import { makeRequest, type RecordingSink } from "../../../helpers/recorded-request.ts";
import { TracerBench } from "../../../helpers/traced-requests.ts";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";

const response = new InferenceResponse({
  modelName: "m",
  modelVersion: "1",
  id: "",
  outputs: [],
  parameters: null,
  buffer: null,
});

interface Traced {
  readonly bench: TracerBench;
  readonly request: InferenceRequest;
  readonly sink: RecordingSink;
  readonly sampled: SampledRequest;
}

async function traced(): Promise<Traced> {
  const bench = await TracerBench.open();
  const arrival = bench.tracer.arrive("http", () => "");
  const sampled = bench.tracer.sample({ modelName: "m", modelVersion: "1", requestId: "" }, arrival);
  assert(sampled !== null);
  const { request, sink } = makeRequest();
  TracedSink.attach(request, sampled);
  request.state = requestState.executing;
  return { bench, request, sink, sampled };
}

const sending = (sampled: SampledRequest): [string, number][] =>
  sampled.transportTimestamps.slice(2).map(({ name, timeUs }) => [name, timeUs - 1_000_000]);

describe("TracedSink", () => {
  it("sends from the first response to the end, and hands everything on", async () => {
    const { bench, request, sink, sampled } = await traced();
    bench.clock.advance(10);
    request.respond(response);
    bench.clock.advance(10);
    request.respondFailure(failure("INTERNAL", "broke"));
    assert.deepEqual(sending(sampled), [["HTTP_SEND_START", 10]]);
    bench.clock.advance(10);
    request.end();
    assert.deepEqual(sending(sampled), [
      ["HTTP_SEND_START", 10],
      ["HTTP_SEND_END", 30],
    ]);
    assert.deepEqual([sink.responses.length, sink.failures.length, sink.answerCount], [1, 1, 1]);
  });

  it("ends with a final response and with a final failure", async () => {
    const one = await traced();
    one.bench.clock.advance(5);
    one.request.complete(response);
    assert.deepEqual(sending(one.sampled).at(-1), ["HTTP_SEND_END", 5]);
    const other = await traced();
    other.bench.clock.advance(5);
    other.request.fail(failure("INTERNAL", "broke"));
    assert.deepEqual(sending(other.sampled).at(-1), ["HTTP_SEND_END", 5]);
  });
});
