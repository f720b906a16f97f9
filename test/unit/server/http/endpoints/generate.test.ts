import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { splitBytesElements } from "../../../../../server/core/bytes-elements.ts";
import { FakeModel } from "../../../../helpers/fake-data-plane.ts";
import { beginGenerate, promptInputs, runGenerate } from "./generate-cases.ts";

for (const action of ["generate", "generate_stream"] as const) {
  describe(`GenerateEndpoint, ${action}`, () => {
    it("hands the model its inputs, parameters and id", () => {
      const { request } = runGenerate(action, '{"id":"7","PROMPT":"hi","STREAM":false,"top_k":3}');
      assert.equal(request.id, "7");
      assert.deepEqual(
        request.inputs.map(({ name, shape }) => [name, shape]),
        [
          ["PROMPT", [1]],
          ["STREAM", [1]],
        ],
      );
      assert.equal(Buffer.from(splitBytesElements(request.inputs[0]!.data)[0]!).toString(), "hi");
      assert.equal(request.parameters?.get("top_k"), 3);
    });

    it("asks the model that is ready when the body has arrived, not when it began", () => {
      const { plane, exchange } = beginGenerate(action);
      const old = plane.echo;
      plane.echo = new FakeModel(old.name);
      plane.echo.isEchoing = false;
      exchange.receive("{}");
      assert.deepEqual([old.requests.length, plane.echo.requests.length], [0, 1]);
    });

    it("cancels the request when the client goes away (row 41)", () => {
      const { exchange, request } = runGenerate(action);
      assert.equal(exchange.cancellable, request);
    });

    it("refuses {} to a model with two required inputs and an optional one (row 28)", () => {
      const { plane, exchange } = beginGenerate(action);
      plane.echo.isValidating = true;
      exchange.receive("{}");
      assert.equal(exchange.statusLine, "400 Bad Request");
      assert.match(exchange.body, /expected number of inputs between 2 and 3 but got 0/);
      assert.equal(exchange.contentType, "application/json");
    });

    it("answers an empty value with what the model's validation says of no shape", () => {
      const { plane, exchange } = beginGenerate(action);
      plane.echo.isValidating = true;
      plane.echo.inputs = promptInputs.slice(0, 1);
      exchange.receive('{"PROMPT":[]}');
      assert.equal(exchange.statusLine, "400 Bad Request");
      assert.match(exchange.body, /PROMPT/);
    });

    it("answers a refusal with its status and the request's id", () => {
      const { plane, exchange } = beginGenerate(action);
      plane.echo.refusal = { code: "UNAVAILABLE", message: "Full" };
      exchange.receive('{"id":"7"}');
      assert.equal(exchange.statusLine, "503 Service Unavailable");
      assert.equal(exchange.body, '{"error":"[request id: 7] Full"}');
      assert.equal(exchange.contentType, "application/json");
    });

    it("answers what it cannot read with 400 and JSON", () => {
      const { plane, exchange } = beginGenerate(action);
      exchange.receive('{"PARAMS":{}}');
      assert.equal(exchange.statusLine, "400 Bad Request");
      assert.match(exchange.body, /^\{"error":"parameter 'PARAMS' has invalid type/);
      assert.equal(plane.echo.requests.length, 0);
    });

    it("answers a bug with 500, and reports it", () => {
      const { plane, exchange, bugs } = beginGenerate(action);
      const bug = new TypeError("no such thing");
      plane.echo.inputIndex = () => {
        throw bug;
      };
      exchange.receive('{"a":1}');
      assert.deepEqual(
        [exchange.statusLine, exchange.body],
        ["500 Internal Server Error", '{"error":"internal error"}'],
      );
      assert.deepEqual(bugs, [bug]);
    });

    it("bounds the body by --http-max-input-size", () => {
      const { exchange } = beginGenerate(action);
      assert.equal(exchange.maxBytes, 1000);
      exchange.exceed("bytes");
      assert.equal(exchange.statusLine, "400 Bad Request");
      assert.match(exchange.body, /of 1000 bytes: raise --http-max-input-size/);
    });

    it("refuses an upload in too many chunks", () => {
      const { exchange } = beginGenerate(action);
      exchange.exceed("chunks");
      assert.match(exchange.body, /of 65536 chunks/);
    });

    for (const encoding of ["gzip", "deflate", "br"]) {
      it(`refuses Content-Encoding ${encoding} with 400`, () => {
        const { plane, exchange } = beginGenerate(action, { "content-encoding": encoding });
        exchange.receive("{}");
        assert.equal(exchange.statusLine, "400 Bad Request");
        assert.match(
          exchange.body,
          new RegExp(`Content-Encoding '${encoding}' is not supported by generate`),
        );
        assert.equal(plane.echo.requests.length, 0);
      });
    }

    it("takes Content-Encoding identity", () => {
      const { plane, exchange } = beginGenerate(action, { "content-encoding": "identity" });
      exchange.receive("{}");
      assert.equal(plane.echo.requests.length, 1);
    });

    it("answers an unknown model with 404", () => {
      const { plane, exchange } = beginGenerate(action);
      plane.findModel = () => ({ code: "NOT_FOUND", message: "Request for unknown model" });
      exchange.receive("{}");
      assert.equal(exchange.statusLine, "404 Not Found");
    });
  });
}
