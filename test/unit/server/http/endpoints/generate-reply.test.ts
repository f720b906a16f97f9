import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failure } from "../../../../../server/core/status.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { responseOf, runGenerate, tokenJson, tokenResponse } from "./generate-cases.ts";

const notOne = /^\{"error":"generate expects model to produce exactly 1 response/;

describe("GenerateReply", () => {
  it("replies with the only response", () => {
    const { exchange, request } = runGenerate("generate", '{"id":"7"}');
    request.complete(tokenResponse(request, 1));
    assert.deepEqual([exchange.statusLine, exchange.body], ["200 OK", tokenJson(1, "7")]);
    assert.equal(exchange.contentType, "application/json");
  });

  it("waits for the end of a decoupled model's response, and keeps a copy until then (row 37)", () => {
    const { exchange, request } = runGenerate("generate");
    const response = tokenResponse(request, 1);
    request.respond(response);
    response.outputs[0]!.data.fill(0xee);
    assert.equal(exchange.statusLine, null);
    request.end();
    assert.deepEqual([exchange.statusLine, exchange.body], ["200 OK", tokenJson(1)]);
  });

  it("replies with the only failure, its status and the request's id", () => {
    const { exchange, request } = runGenerate("generate", '{"id":"7"}');
    request.respondFailure(failure("UNAVAILABLE", "Busy"));
    request.end();
    assert.equal(exchange.statusLine, "503 Service Unavailable");
    assert.equal(exchange.body, '{"error":"[request id: 7] Busy"}');
  });

  it("says so when there is no response (row 35)", () => {
    const { exchange, request } = runGenerate("generate");
    request.end();
    assert.match(exchange.body, notOne);
    assert.equal(exchange.statusLine, "200 OK");
  });

  it("says so at the second response, under the status of the first, and stops the model (row 35)", () => {
    const { exchange, request } = runGenerate("generate");
    request.respond(tokenResponse(request, 1));
    request.respond(tokenResponse(request, 2));
    assert.match(exchange.body, notOne);
    assert.equal(exchange.statusLine, "200 OK");
    assert.ok(request.isCancelled);
    request.respond(tokenResponse(request, 3));
    request.respondFailure(failure("CANCELLED", "stopped"));
    request.end();
    assert.match(exchange.body, notOne);
  });

  it("says so under the status of a failure that came first (row 35)", () => {
    const { exchange, request } = runGenerate("generate");
    request.respondFailure(failure("INTERNAL", "broken"));
    request.complete(tokenResponse(request, 2));
    assert.match(exchange.body, notOne);
    assert.equal(exchange.statusLine, "500 Internal Server Error");
  });

  it("answers an output without a JSON form with 400", () => {
    const { exchange, request } = runGenerate("generate");
    request.complete(responseOf(request, new Tensor("H", "FP16", [1], new Uint8Array(2))));
    assert.equal(exchange.statusLine, "400 Bad Request");
    assert.match(exchange.body, /sending FP16 data via JSON is not supported/);
  });
});
