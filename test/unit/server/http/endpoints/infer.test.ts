import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InferEndpoint } from "../../../../../server/http/endpoints/infer.ts";
import { matchRoute } from "../../../../../server/http/router.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";
import { FakeDataPlane, FakeModel } from "../../../../helpers/fake-data-plane.ts";

const request = JSON.stringify({
  id: "7",
  inputs: [{ name: "INPUT0", datatype: "INT32", shape: [2], data: [1, 2] }],
});

function begin(headers: Record<string, string> = {}) {
  const plane = new FakeDataPlane();
  const bugs: unknown[] = [];
  const endpoint = new InferEndpoint(plane, { maxInputBytes: 1000, onBug: (thrown) => bugs.push(thrown) });
  const exchange = new FakeExchange(headers);
  const route = matchRoute(`/v2/models/${plane.echo.name}/infer`);
  assert.ok(route !== null);
  endpoint.handle(route, exchange);
  return { plane, exchange, bugs };
}

describe("InferEndpoint", () => {
  it("asks the model that is ready when the body has arrived, not when it began", () => {
    const { plane, exchange } = begin();
    const old = plane.echo;
    plane.echo = new FakeModel(old.name);
    plane.echo.isEchoing = false;
    exchange.receive(request);
    assert.deepEqual([old.requests.length, plane.echo.requests.length], [0, 1]);
  });

  it("cancels the request when the client goes away", () => {
    const { plane, exchange } = begin();
    plane.echo.isEchoing = false;
    exchange.receive(request);
    assert.equal(exchange.cancellable, plane.echo.requests[0]);
  });

  it("answers a refusal with its status and the request's id", () => {
    const { plane, exchange } = begin();
    plane.echo.refusal = { code: "UNAVAILABLE", message: "Full" };
    exchange.receive(request);
    assert.equal(exchange.statusLine, "503 Service Unavailable");
    assert.equal(exchange.body, '{"error":"[request id: 7] Full"}');
  });

  it("limits a JSON body by --http-max-input-size, and binary tensors by the format only", () => {
    assert.equal(begin().exchange.maxBytes, 1000);
    assert.equal(begin({ "inference-header-content-length": "10" }).exchange.maxBytes, 2 ** 31 - 1);
  });

  for (const text of ["-1", "99999999999", "x"]) {
    it(`refuses the header length ${text} when the body has arrived`, () => {
      const { exchange } = begin({ "inference-header-content-length": text });
      assert.equal(exchange.statusLine, null);
      exchange.receive(request);
      assert.equal(exchange.statusLine, "400 Bad Request");
    });
  }

  it("refuses a content encoding that is not built", () => {
    const { exchange } = begin({ "content-encoding": "gzip" });
    exchange.receive("…");
    assert.equal(exchange.statusLine, "501 Not Implemented");
  });

  it("answers an unexpected error without its text, and reports it", () => {
    const { plane, exchange, bugs } = begin();
    plane.echo.infer = () => {
      throw new Error("secret");
    };
    exchange.receive(request);
    assert.equal(exchange.statusLine, "500 Internal Server Error");
    assert.doesNotMatch(exchange.body, /secret/);
    assert.equal(bugs.length, 1);
  });
});
