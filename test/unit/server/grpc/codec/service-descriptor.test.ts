import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  messageDecoder,
  messageEncoder,
  methodsOf,
} from "../../../../../server/grpc/codec/service-descriptor.ts";
import { decodeMessage, encodeMessage } from "../wire.ts";

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

  it("messageDecoder fills in what was not sent, except members of a oneof, and refuses other bytes", () => {
    const decode = messageDecoder("inference.RepositoryModelLoadRequest");
    assert.deepEqual(decode(Buffer.of()), { repository_name: "", model_name: "", parameters: {} });
    const bytes = encodeMessage("RepositoryModelLoadRequest", {
      parameters: { a: { bool_param: false }, b: {} },
    });
    const { parameters } = decode(bytes) as { parameters: object };
    assert.deepEqual(parameters, { a: { bool_param: false }, b: {} });
    assert.throws(() => decode(Buffer.of(0x0a, 0x7f)), {
      code: "INVALID_ARG",
      message: /^Malformed RepositoryModelLoadRequest: /,
    });
  });
});
