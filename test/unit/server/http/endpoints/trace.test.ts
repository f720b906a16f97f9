import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { traceSettings, updateTraceSettings } from "../../../../../server/http/endpoints/trace.ts";
import { matchRoute } from "../../../../../server/http/router.ts";
import { FakeDataPlane } from "../../../../helpers/fake-data-plane.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";

const route = (path: string) => matchRoute(path) ?? assert.fail(path);
const global = route("/v2/trace/setting");
const echo = route("/v2/models/echo/trace/setting");
const nowhere = route("/v2/models/nowhere/trace/setting");

function post(body: string, where = global, plane = new FakeDataPlane()) {
  const exchange = new FakeExchange();
  updateTraceSettings(plane, where, exchange);
  exchange.receive(body);
  const reply = JSON.parse(exchange.body) as Record<string, unknown>;
  return { plane, statusLine: exchange.statusLine, reply };
}

describe("HTTP traceSettings", () => {
  it("answers with the settings, global or of a model", () => {
    const plane = new FakeDataPlane();
    plane.changeTraceSettings("echo", [{ name: "trace_rate", values: ["3"] }]);
    for (const [where, rate] of [
      [global, "1000"],
      [echo, "3"],
    ] as const) {
      const exchange = new FakeExchange();
      traceSettings(plane, where, exchange);
      assert.equal(exchange.statusLine, "200 OK");
      assert.deepEqual(JSON.parse(exchange.body), {
        trace_level: ["OFF"],
        trace_rate: rate,
        trace_count: "-1",
        log_frequency: "0",
        trace_file: "trace.json",
        trace_mode: "triton",
      });
    }
  });

  it("(row 172) answers 404 for an unknown model", () => {
    const exchange = new FakeExchange();
    traceSettings(new FakeDataPlane(), nowhere, exchange);
    assert.equal(exchange.statusLine, "404 Not Found");
    assert.equal(post("{}", nowhere).statusLine, "404 Not Found");
  });
});

describe("HTTP updateTraceSettings", () => {
  it("changes what is listed and answers with all settings", () => {
    const { plane, statusLine, reply } = post(
      '{"trace_level": ["TIMESTAMPS", "TENSORS"], "trace_count": "5"}',
    );
    assert.equal(statusLine, "200 OK");
    assert.deepEqual(reply, plane.traceSettings(""));
    assert.deepEqual([reply["trace_level"], reply["trace_count"]], [["TIMESTAMPS", "TENSORS"], "5"]);
  });

  it("(row 173) clears what is null", () => {
    const { plane } = post('{"trace_rate": "5", "trace_count": "6"}', echo);
    const { reply } = post('{"trace_rate": null}', echo, plane);
    assert.deepEqual([reply["trace_rate"], reply["trace_count"]], ["1000", "6"]);
  });

  for (const [body, status] of [
    ['{"trace_file": "x"}', "501 Not Implemented"],
    ['{"trace_mode": "opentelemetry"}', "501 Not Implemented"],
    ['{"trace_level": ["OFF", "TIMESTAMPS"]}', "400 Bad Request"],
    ['{"trace_count": "-2"}', "400 Bad Request"],
    ['{"trace_rate": 5}', "400 Bad Request"],
    ['{"trace_level": [1]}', "400 Bad Request"],
    ['{"trace_level": {}}', "400 Bad Request"],
    ['{"nothing": "1"}', "400 Bad Request"],
    ["[]", "400 Bad Request"],
    ["", "400 Bad Request"],
    ["{", "400 Bad Request"],
    ["null", "400 Bad Request"],
  ] as const) {
    it(`(row 172) refuses ${JSON.stringify(body)} with ${status}`, () => {
      const { plane, statusLine, reply } = post(body);
      assert.equal(statusLine, status);
      assert.deepEqual(Object.keys(reply), ["error"]);
      assert.deepEqual(plane.traceSettings(""), new FakeDataPlane().traceSettings(""));
    });
  }

  it("reads no more than 64 KiB", () => {
    const exchange = new FakeExchange();
    updateTraceSettings(new FakeDataPlane(), global, exchange);
    assert.equal(exchange.maxBytes, 65_536);
    exchange.exceed("bytes");
    assert.match(exchange.body, /65536 bytes/);
  });
});
