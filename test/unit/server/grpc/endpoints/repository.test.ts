import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { after, before, beforeEach, describe, it } from "mocha";
import { failure } from "../../../../../server/core/status.ts";
import { GrpcFixture } from "../grpc-fixture.ts";

describe("gRPC repository endpoints", () => {
  let grpc: GrpcFixture;
  before(async () => {
    grpc = await GrpcFixture.start();
  });
  after(() => grpc.stop());
  beforeEach(() => {
    grpc.dataPlane.repositoryRefusal = null;
    for (const calls of [grpc.dataPlane.loads, grpc.dataPlane.unloads, grpc.dataPlane.indexes])
      calls.length = 0;
  });

  it("RepositoryIndex lists models, with empty fields for what is not known", async () => {
    const { models } = await grpc.call("RepositoryIndex", { ready: true });
    assert.deepEqual(
      (models as Record<string, string>[]).map(({ name, version, state, reason }) =>
        [name, version, state, reason].join("|"),
      ),
      ["bad|3|UNAVAILABLE|corrupt", "echo|1|READY|", "new|||"],
    );
    assert.deepEqual(grpc.dataPlane.indexes, [true]);
  });

  it("RepositoryModelLoad hands name and parameters on", async () => {
    const content = Buffer.from([0, 255, 7]);
    await grpc.call("RepositoryModelLoad", {
      model_name: "echo",
      parameters: { config: { string_param: "{}" }, "file:1/m": { bytes_param: content } },
    });
    await grpc.call("RepositoryModelLoad", { model_name: "plain" });
    const [first, second] = grpc.dataPlane.loads;
    assert.equal(first?.modelName, "echo");
    assert.equal(first.configOverride, "{}");
    assert.deepEqual(Buffer.from(first.files.get("1/m") ?? []), content);
    assert.deepEqual(second, { modelName: "plain", configOverride: null, files: new Map() });
  });

  it("RepositoryModelUnload hands the name on, and whether dependents go too", async () => {
    await grpc.call("RepositoryModelUnload", { model_name: "echo" });
    const parameters = { unload_dependents: { bool_param: true }, other: { int64_param: 1 } };
    await grpc.call("RepositoryModelUnload", { model_name: "echo", parameters });
    assert.deepEqual(grpc.dataPlane.unloads, ["echo", "echo and its dependents"]);
  });

  for (const [method, parameters, details] of [
    ["RepositoryModelLoad", { other: { string_param: "x" } }, /unrecognized load parameter 'other'/],
    ["RepositoryModelLoad", { config: { bytes_param: Buffer.of(1) } }, /'config', expected string_param/],
    ["RepositoryModelLoad", { config: {} }, /'config', expected string_param/],
    ["RepositoryModelLoad", { "file:1/m": { string_param: "x" } }, /'file:1\/m', expected bytes_param/],
    ["RepositoryModelUnload", { unload_dependents: { int64_param: 1 } }, /expected bool_param/],
  ] as const) {
    it(`${method} refuses ${JSON.stringify(parameters)}`, async () => {
      const error = await grpc.failure(method, { model_name: "m", parameters });
      assert.equal(error.code, status.INVALID_ARGUMENT);
      assert.match(error.details, details);
    });
  }

  for (const method of ["RepositoryIndex", "RepositoryModelLoad", "RepositoryModelUnload"]) {
    it(`${method} refuses a repository's name`, async () => {
      const { code } = await grpc.failure(method, { repository_name: "r" });
      assert.equal(code, status.UNIMPLEMENTED);
    });

    it(`${method} fails as the operation does, and for bytes that are no message`, async () => {
      grpc.dataPlane.repositoryRefusal = failure("UNAVAILABLE", "not now");
      assert.deepEqual(await grpc.failure(method), { code: status.UNAVAILABLE, details: "not now" });
      const malformed = await grpc.failure(method, Buffer.from([0x0a, 0x7f]));
      assert.equal(malformed.code, status.INVALID_ARGUMENT);
      assert.match(malformed.details, new RegExp(`^Malformed ${method}Request: `));
    });
  }
});
