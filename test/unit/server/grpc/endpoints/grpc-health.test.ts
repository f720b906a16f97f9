import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { GrpcFixture } from "../grpc-fixture.ts";

const check = "/grpc.health.v1.Health/Check";

describe("grpc.health.v1.Health", () => {
  let grpc: GrpcFixture;
  before(async () => (grpc = await GrpcFixture.start()));
  after(() => grpc.stop());

  it("Check tells whether the server is ready, whatever service is asked for", async () => {
    assert.deepEqual(await grpc.call(check), { status: "SERVING" });
    assert.deepEqual(await grpc.call(check, { service: "any" }), { status: "SERVING" });
    grpc.dataPlane.ready = false;
    assert.deepEqual(await grpc.call(check), { status: "NOT_SERVING" });
  });
});
