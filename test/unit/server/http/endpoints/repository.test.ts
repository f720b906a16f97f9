import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failure } from "../../../../../server/core/status.ts";
import { HttpFrontEnd } from "../../../../../server/http/http-front-end.ts";
import { settle } from "../../../../helpers/deferred.ts";
import { FakeDataPlane } from "../../../../helpers/fake-data-plane.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";

async function post(dataPlane: FakeDataPlane, path: string, body = ""): Promise<FakeExchange> {
  const frontEnd = new HttpFrontEnd(dataPlane, { maxInputBytes: 1000, onBug: assert.ifError });
  const exchange = new FakeExchange();
  frontEnd.handle("post", path, exchange);
  exchange.receive(body);
  await settle();
  return exchange;
}

describe("HTTP repository endpoints", () => {
  it("index leaves out what is not known", async () => {
    const dataPlane = new FakeDataPlane();
    for (const path of ["/v2/repository/index", "/v2/repository/any/index"]) {
      const { statusLine, body } = await post(dataPlane, path, '{"ready":true}');
      assert.equal(statusLine, "200 OK");
      assert.deepEqual(JSON.parse(body), [
        { name: "bad", version: "3", state: "UNAVAILABLE", reason: "corrupt" },
        { name: "echo", version: "1", state: "READY" },
        { name: "new" },
      ]);
    }
    assert.deepEqual(dataPlane.indexes, [true, true]);
  });

  it("load hands name and parameters on, and answers without a body", async () => {
    const dataPlane = new FakeDataPlane();
    const body = JSON.stringify({ parameters: { config: "{}", "file:1/m": "YQ==" } });
    const exchange = await post(dataPlane, "/v2/repository/models/echo/load", body);
    assert.deepEqual([exchange.statusLine, exchange.body], ["200 OK", ""]);
    assert.deepEqual(dataPlane.loads, [
      { modelName: "echo", configOverride: "{}", files: new Map([["1/m", Buffer.from("a")]]) },
    ]);
  });

  it("load takes bodies up to what Node can hold as one text, and refuses larger ones", async () => {
    const exchange = new FakeExchange();
    const frontEnd = new HttpFrontEnd(new FakeDataPlane(), { maxInputBytes: 1000, onBug: assert.ifError });
    frontEnd.handle("post", "/v2/repository/models/m/load", exchange);
    assert.ok(exchange.maxBytes > 500_000_000 && exchange.maxBytes < 2 ** 31);
    exchange.exceed("bytes");
    await settle();
    assert.equal(exchange.statusLine, "400 Bad Request");
    assert.match(exchange.body, /request JSON size/);
  });

  it("unload hands the name on, and whether dependents go too, and answers without a body", async () => {
    const dataPlane = new FakeDataPlane();
    const body = '{"parameters":{"unload_dependents":true}}';
    const exchange = await post(dataPlane, "/v2/repository/models/echo/unload", body);
    assert.deepEqual([exchange.statusLine, exchange.body], ["200 OK", ""]);
    assert.deepEqual(dataPlane.unloads, ["echo and its dependents"]);
  });

  for (const path of ["index", "models/m/load", "models/m/unload"]) {
    it(`${path} replies with the failure of the operation, and with that of the body`, async () => {
      const dataPlane = new FakeDataPlane();
      dataPlane.repositoryRefusal = failure("UNAVAILABLE", "not now");
      const refused = await post(dataPlane, `/v2/repository/${path}`);
      assert.deepEqual(
        [refused.statusLine, refused.body],
        ["503 Service Unavailable", '{"error":"not now"}'],
      );
      const malformed = await post(dataPlane, `/v2/repository/${path}`, "{");
      assert.equal(malformed.statusLine, "400 Bad Request");
    });
  }

  for (const action of ["load", "unload"]) {
    it(`${action} with a repository's name is not supported`, async () => {
      const dataPlane = new FakeDataPlane();
      const exchange = await post(dataPlane, `/v2/repository/r/models/m/${action}`);
      assert.equal(exchange.statusLine, "501 Not Implemented");
      assert.deepEqual([...dataPlane.loads, ...dataPlane.unloads], []);
    });
  }
});
