import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { modelStatistics } from "../../../../../server/http/endpoints/statistics.ts";
import { matchRoute } from "../../../../../server/http/router.ts";
import { FakeDataPlane } from "../../../../helpers/fake-data-plane.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";

function get(path: string, plane = new FakeDataPlane()): FakeExchange {
  const exchange = new FakeExchange();
  const route = matchRoute(path);
  assert.ok(route !== null);
  modelStatistics(plane, route, exchange);
  return exchange;
}

describe("HTTP modelStatistics", () => {
  it("writes 64-bit numbers as numbers, all digits", () => {
    const plane = new FakeDataPlane();
    plane.echo.statistics.inferenceCount = 2 ** 52 + 1;
    plane.echo.statistics.requestUs = 2 ** 40;
    const { statusLine, body } = get("/v2/models/stats", plane);
    assert.equal(statusLine, "200 OK");
    assert.match(body, /^\{"model_stats":\[\{"name":"echo","version":"1","last_inference":0,/);
    assert.match(body, /"inference_count":4503599627370497,/);
    assert.match(body, /"success":\{"count":0,"ns":1099511627776000\}/);
  });

  it("asks for the model and the version of the path", () => {
    const plane = new FakeDataPlane();
    assert.equal(get("/v2/models/echo/versions/1/stats", plane).statusLine, "200 OK");
    assert.deepEqual(plane.lastLookUp, ["echo", "1"]);
  });

  it("answers 400 for a model that is not available", () => {
    const { statusLine, body } = get("/v2/models/nobody/stats");
    assert.equal(statusLine, "400 Bad Request");
    assert.deepEqual(JSON.parse(body), { error: "No statistics of 'nobody'" });
  });
});
