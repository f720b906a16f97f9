import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { GrpcFixture } from "../grpc-fixture.ts";

describe("gRPC health endpoints", () => {
  let grpc: GrpcFixture;
  before(async () => (grpc = await GrpcFixture.start()));
  after(() => grpc.stop());

  it("ServerLive and ServerReady tell both states with OK", async () => {
    for (const state of [true, false]) {
      grpc.dataPlane.live = state;
      grpc.dataPlane.ready = state;
      assert.deepEqual(await grpc.call("ServerLive"), state ? { live: true } : {});
      assert.deepEqual(await grpc.call("ServerReady"), state ? { ready: true } : {});
    }
  });

  it("ModelReady is true for a ready version", async () => {
    assert.deepEqual(await grpc.call("ModelReady", { name: "echo" }), { ready: true });
    assert.deepEqual(await grpc.call("ModelReady", { name: "echo", version: "1" }), { ready: true });
  });

  it("ModelReady is OK and false for a known version that is not ready", async () => {
    assert.deepEqual(await grpc.call("ModelReady", { name: "loading" }), {});
    assert.deepEqual(await grpc.call("ModelReady", { name: "sick" }), {});
  });

  it("ModelReady is NOT_FOUND for an unknown model or version", async () => {
    assert.equal((await grpc.failure("ModelReady", { name: "nobody" })).code, 5);
    assert.equal((await grpc.failure("ModelReady", { name: "echo", version: "9" })).code, 5);
  });

  it("ModelReady is INVALID_ARGUMENT for a version that is no number", async () => {
    const { code, details } = await grpc.failure("ModelReady", { name: "echo", version: "one" });
    assert.equal(code, 3);
    assert.match(details, /^Failed to get model version from "one"/);
  });

  it("ModelReady is INVALID_ARGUMENT for a torn message", async () => {
    const { code, details } = await grpc.failure("ModelReady", Buffer.of(0x0a, 0x05));
    assert.equal(code, 3);
    assert.match(details, /^Malformed ModelReadyRequest/);
  });
});
