import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failure } from "../../../../../server/core/status.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import type { InferenceRequest, ResponseProducer } from "../../../../../server/core/inference-request.ts";
import { responseOf, runGenerate, tokenJson, tokenResponse } from "./generate-cases.ts";

function event(json: string): string {
  return `data: ${json}\n\n`;
}

/** Counts what a model instance is told. */
class CountingProducer implements ResponseProducer {
  writtenCount = 0;
  cancelCount = 0;

  onCancelled(): void {
    this.cancelCount++;
  }

  onResponseWritten(): void {
    this.writtenCount++;
  }

  static of(request: InferenceRequest): CountingProducer {
    const producer = new CountingProducer();
    request.producer = producer;
    return producer;
  }
}

describe("GenerateEventStream", () => {
  it("sends each response as an event, as soon as it is there", () => {
    const { exchange, request } = runGenerate("generate_stream", '{"id":"7"}');
    request.respond(tokenResponse(request, 1));
    assert.deepEqual(exchange.chunks, [event(tokenJson(1, "7"))]);
    assert.equal(exchange.contentType, "text/event-stream; charset=utf-8");
    request.respond(tokenResponse(request, 2));
    assert.equal(exchange.chunks.length, 2);
    assert.equal(exchange.hasEnded, false);
    request.end();
    assert.deepEqual(exchange.chunks, [event(tokenJson(1, "7")), event(tokenJson(2, "7"))]);
    assert.equal(exchange.hasEnded, true);
  });

  it("sends the only response of a model that is not decoupled, and ends", () => {
    const { exchange, request } = runGenerate("generate_stream");
    request.complete(tokenResponse(request, 1));
    assert.deepEqual([exchange.chunks, exchange.hasEnded], [[event(tokenJson(1))], true]);
  });

  it("ends an empty stream when there is no response (row 36)", () => {
    const { exchange, request } = runGenerate("generate_stream");
    request.end();
    assert.deepEqual([exchange.statusLine, exchange.chunks, exchange.hasEnded], ["200 OK", [], true]);
  });

  it("replies with the status of a failure that comes first, as JSON, and stops the model (row 38)", () => {
    const { exchange, request } = runGenerate("generate_stream", '{"id":"7"}');
    request.respondFailure(failure("INTERNAL", "broken"));
    assert.equal(exchange.statusLine, "500 Internal Server Error");
    assert.equal(exchange.body, '{"error":"[request id: 7] broken"}');
    assert.equal(exchange.contentType, "application/json");
    assert.ok(request.isCancelled);
    request.respond(tokenResponse(request, 1));
    request.end();
    assert.deepEqual(exchange.chunks, []);
  });

  it("sends a later failure as an event (row 39)", () => {
    const { exchange, request } = runGenerate("generate_stream", '{"id":"7"}');
    request.respond(tokenResponse(request, 1));
    request.respondFailure(failure("INTERNAL", "broken"));
    request.complete(tokenResponse(request, 2));
    assert.equal(exchange.statusLine, "200 OK");
    assert.deepEqual(exchange.chunks, [
      event(tokenJson(1, "7")),
      event('{"error":"[request id: 7] broken"}'),
      event(tokenJson(2, "7")),
    ]);
    assert.ok(exchange.hasEnded);
  });

  it("sends an error in the place of a response without a JSON form", () => {
    const { exchange, request } = runGenerate("generate_stream");
    request.respond(tokenResponse(request, 1));
    request.complete(responseOf(request, new Tensor("H", "BF16", [1], new Uint8Array(2))));
    assert.match(exchange.chunks[1] ?? "", /^data: \{"error":"generate: sending BF16 .*"\}\n\n$/);
    assert.ok(exchange.hasEnded);
  });

  it("lets the model run ahead by a few responses, and tells it of each that has left", () => {
    const { exchange, request } = runGenerate("generate_stream");
    const producer = CountingProducer.of(request);
    assert.equal(request.responseWindow, 16);
    request.respond(tokenResponse(request, 1));
    assert.equal(producer.writtenCount, 1);
    exchange.isFull = true;
    const second = tokenResponse(request, 2);
    const third = tokenResponse(request, 3);
    request.respond(second);
    request.respond(third);
    // As the pool that the outputs belong to would.
    for (const response of [second, third]) response.outputs[0]!.data.fill(0xee);
    request.respondFailure(failure("INTERNAL", "four"));
    assert.deepEqual([exchange.chunks.length, producer.writtenCount], [2, 1]);
    exchange.drain();
    assert.equal(producer.writtenCount, 4);
    request.end();
    assert.deepEqual(exchange.chunks, [
      ...[1, 2, 3].map((token) => event(tokenJson(token))),
      event('{"error":"[request id: <id_unknown>] four"}'),
    ]);
    assert.ok(exchange.hasEnded);
  });

  it("ends behind what waits for the socket", () => {
    const { exchange, request } = runGenerate("generate_stream");
    exchange.isFull = true;
    request.respond(tokenResponse(request, 1));
    request.complete(tokenResponse(request, 2));
    assert.deepEqual([exchange.chunks.length, exchange.hasEnded], [1, false]);
    exchange.drain();
    assert.deepEqual([exchange.chunks.length, exchange.hasEnded], [2, true]);
  });

  it("waits again when the socket fills again", () => {
    const { exchange, request } = runGenerate("generate_stream");
    exchange.isFull = true;
    for (const token of [1, 2, 3]) request.respond(tokenResponse(request, token));
    request.end();
    exchange.drain({ staysFull: true });
    assert.deepEqual([exchange.chunks.length, exchange.hasEnded], [2, false]);
    exchange.drain({ staysFull: true });
    assert.deepEqual([exchange.chunks.length, exchange.hasEnded], [3, false]);
    exchange.drain();
    assert.ok(exchange.hasEnded);
  });

  it("drops what comes after the client has gone (row 41)", () => {
    const { exchange, request } = runGenerate("generate_stream");
    const producer = CountingProducer.of(request);
    exchange.isFull = true;
    request.respond(tokenResponse(request, 1));
    exchange.cancellable?.cancel();
    assert.equal(producer.cancelCount, 1);
    request.respond(tokenResponse(request, 2));
    request.fail(failure("CANCELLED", "stopped"));
    assert.deepEqual([exchange.chunks.length, exchange.hasEnded], [1, false]);
  });
});
