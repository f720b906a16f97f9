import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { methodsOf } from "../../../../server/grpc/codec/service-descriptor.ts";
import { protocolCategoryOf } from "../../../../server/grpc/restricted-protocol.ts";
import { GrpcFixture } from "./grpc-fixture.ts";

describe("protocolCategoryOf", () => {
  it("gives every declared method a category", () => {
    const methods = [...methodsOf("inference.GRPCInferenceService"), ...methodsOf("grpc.health.v1.Health")];
    const byCategory: Record<string, string[]> = {};
    for (const { name, path } of methods) (byCategory[protocolCategoryOf(path) ?? "none"] ??= []).push(name);
    for (const names of Object.values(byCategory)) names.sort();
    assert.deepEqual(byCategory["none"], undefined);
    assert.deepEqual(byCategory["inference"], ["ModelInfer", "ModelStreamInfer"]);
    assert.deepEqual(byCategory["metadata"], ["ModelMetadata", "ServerMetadata"]);
    assert.deepEqual(byCategory["model-repository"], [
      "RepositoryIndex",
      "RepositoryModelLoad",
      "RepositoryModelUnload",
    ]);
    assert.equal(byCategory["shared-memory"]?.length, 6);
    assert.ok(byCategory["health"]?.includes("Check"));
  });
});

describe("restrictMethod", () => {
  const message = "This protocol is restricted, expecting header 'triton-grpc-protocol-admin-key'";

  it("refuses calls without the secret, health checks included, and serves the others", async () => {
    const grpc = await GrpcFixture.start({
      restrictions: [{ categories: ["health", "inference"], key: "Admin-Key", value: "secret" }],
    });
    try {
      for (const method of ["ServerLive", "ModelInfer", "/grpc.health.v1.Health/Check"]) {
        assert.deepEqual(await grpc.failure(method), { code: 14, details: message }, method);
      }
      await grpc.call("ServerMetadata");
      grpc.metadata.set("triton-grpc-protocol-admin-key", "wrong");
      assert.equal((await grpc.failure("ServerLive")).code, 14);
      grpc.metadata.set("triton-grpc-protocol-admin-key", "secret");
      assert.deepEqual(await grpc.call("ServerLive"), { live: true });
      assert.deepEqual(await grpc.call("/grpc.health.v1.Health/Check"), { status: "SERVING" });
    } finally {
      await grpc.stop();
    }
  });

  it("refuses a stream when it is opened", async () => {
    const grpc = await GrpcFixture.start({
      restrictions: [{ categories: ["inference"], key: "k", value: "v" }],
    });
    try {
      const identity = (bytes: Buffer): Buffer => bytes;
      const path = "/inference.GRPCInferenceService/ModelStreamInfer";
      const stream = grpc.client.makeBidiStreamRequest(path, identity, identity, grpc.metadata);
      const error = await new Promise<Error & { code?: number }>((resolve) => stream.on("error", resolve));
      assert.equal(error.code, 14);
    } finally {
      await grpc.stop();
    }
  });
});
