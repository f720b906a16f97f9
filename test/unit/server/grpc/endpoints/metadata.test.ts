import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { GrpcFixture } from "../grpc-fixture.ts";

describe("gRPC metadata endpoints", () => {
  let grpc: GrpcFixture;
  before(async () => (grpc = await GrpcFixture.start()));
  after(() => grpc.stop());

  it("ServerMetadata gives name, version and extensions", async () => {
    assert.deepEqual(await grpc.call("ServerMetadata"), {
      name: "nereid",
      version: "0.1.0",
      extensions: ["model_configuration", "binary_tensor_data"],
    });
  });

  it("ModelMetadata gives the model's tensors with their wire shapes", async () => {
    assert.deepEqual(await grpc.call("ModelMetadata", { name: "echo", version: "01" }), {
      name: "echo",
      versions: ["1", "2"],
      platform: "onnxruntime_onnx",
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: ["-1", "16"] }],
      outputs: [{ name: "OUTPUT0", datatype: "BYTES", shape: ["-1", "4"] }],
    });
    assert.deepEqual(grpc.dataPlane.lastLookUp, ["echo", "1"]);
  });

  it("ModelMetadata passes on why there is no such model", async () => {
    assert.equal((await grpc.failure("ModelMetadata", { name: "nobody" })).code, 5);
    assert.equal((await grpc.failure("ModelMetadata", { name: "loading" })).code, 14);
    assert.equal((await grpc.failure("ModelMetadata", { name: "echo", version: "-1" })).code, 3);
  });
});
