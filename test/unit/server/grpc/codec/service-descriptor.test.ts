import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { messageEncoder, methodsOf } from "../../../../../server/grpc/codec/service-descriptor.ts";
import { decodeMessage } from "../wire.ts";

describe("service-descriptor", () => {
  it("methodsOf lists the whole inference service with its one stream", () => {
    const methods = methodsOf("inference.GRPCInferenceService");
    assert.equal(methods.length, 20);
    assert.deepEqual(
      methods.filter((method) => method.isStream).map((method) => method.path),
      ["/inference.GRPCInferenceService/ModelStreamInfer"],
    );
  });

  it("methodsOf sees that only the response of Watch is a stream", () => {
    assert.deepEqual(
      methodsOf("grpc.health.v1.Health").map(({ name, isStream }) => [name, isStream]),
      [
        ["Check", false],
        ["Watch", true],
      ],
    );
  });

  it("messageEncoder packs shapes and writes enums by name", () => {
    const metadata = messageEncoder("inference.ModelMetadataResponse")({
      name: "m",
      inputs: [{ name: "A", datatype: "FP32", shape: [-1, 2 ** 40] }],
    });
    assert.deepEqual(decodeMessage("ModelMetadataResponse", metadata), {
      name: "m",
      inputs: [{ name: "A", datatype: "FP32", shape: ["-1", "1099511627776"] }],
    });
    const health = messageEncoder("grpc.health.v1.HealthCheckResponse")({ status: "NOT_SERVING" });
    assert.deepEqual([...health], [0x08, 0x02]);
  });
});
