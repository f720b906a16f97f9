import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { logSettings, updateLogSettings } from "../../../../../server/http/endpoints/logging.ts";
import { FakeDataPlane } from "../../../../helpers/fake-data-plane.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";

interface Posted {
  readonly plane: FakeDataPlane;
  readonly statusLine: string | null;
  readonly reply: Record<string, unknown>;
}

function post(body: string): Posted {
  const plane = new FakeDataPlane();
  const exchange = new FakeExchange();
  updateLogSettings(plane, exchange);
  assert.equal(exchange.statusLine, null);
  exchange.receive(body);
  const { statusLine } = exchange;
  return { plane, statusLine, reply: JSON.parse(exchange.body) as Record<string, unknown> };
}

describe("HTTP logSettings", () => {
  it("answers with all settings", () => {
    const plane = new FakeDataPlane();
    plane.settings.verboseLevel = 3;
    const exchange = new FakeExchange();
    logSettings(plane, exchange);
    assert.equal(exchange.statusLine, "200 OK");
    assert.deepEqual(JSON.parse(exchange.body), plane.logSettings());
  });
});

describe("HTTP updateLogSettings", () => {
  it("changes what is listed and answers with all settings", () => {
    const { plane, statusLine, reply } = post(
      '{"log_info": false, "log_verbose_level": 2, "log_format": "ISO8601"}',
    );
    assert.equal(statusLine, "200 OK");
    assert.deepEqual(reply, {
      log_file: "",
      log_info: false,
      log_warning: true,
      log_error: true,
      log_verbose_level: 2,
      log_format: "ISO8601",
    });
    assert.deepEqual(plane.logSettings(), reply);
  });

  it("leaves null settings as they are, the file included", () => {
    const { statusLine, reply } = post('{"log_file": null, "log_info": null, "log_error": false}');
    assert.equal(statusLine, "200 OK");
    assert.deepEqual([reply["log_info"], reply["log_error"]], [true, false]);
  });

  it("row 177: applies what is listed before a refused setting, and nothing after it", () => {
    for (const [bad, status] of [
      ['"log_file": "x"', "501 Not Implemented"],
      ['"log_format": "x"', "503 Service Unavailable"],
      ['"log_format": 1', "400 Bad Request"],
      ['"log_verbose_level": -1', "400 Bad Request"],
      ['"log_warning": "x"', "400 Bad Request"],
      ['"log_nothing": 1', "400 Bad Request"],
    ] as const) {
      const { plane, statusLine, reply } = post(`{"log_info": false, ${bad}, "log_error": false}`);
      assert.equal(statusLine, status, bad);
      assert.deepEqual(Object.keys(reply), ["error"]);
      assert.deepEqual([plane.settings.info, plane.settings.error], [false, true]);
    }
  });

  for (const body of ["", "{", "[]", "null", "7", '"log_info"', '{"log_info": NaN}', "{} {}"]) {
    it(`refuses the body ${JSON.stringify(body)}`, () => {
      const { statusLine, reply } = post(body);
      assert.equal(statusLine, "400 Bad Request");
      assert.match(reply["error"] as string, /^Unable to parse the log settings: /);
    });
  }

  it("reads no more than 64 KiB", () => {
    const exchange = new FakeExchange();
    updateLogSettings(new FakeDataPlane(), exchange);
    assert.equal(exchange.maxBytes, 65_536);
    exchange.exceed("bytes");
    assert.equal(exchange.statusLine, "400 Bad Request");
    assert.match(exchange.body, /65536 bytes/);
  });
});
