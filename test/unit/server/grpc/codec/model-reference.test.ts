import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readModelReference } from "../../../../../server/grpc/codec/model-reference.ts";
import { encodeMessage } from "../wire.ts";

describe("readModelReference", () => {
  it("readModelReference reads name and version of each of its messages", () => {
    for (const messageName of ["ModelReadyRequest", "ModelMetadataRequest", "ModelConfigRequest"]) {
      const bytes = encodeMessage(messageName, { name: "m", version: "3" });
      assert.deepEqual(readModelReference(bytes, messageName), { name: "m", version: "3" });
    }
  });

  it("readModelReference gives empty texts for an empty message and passes over unknown fields", () => {
    assert.deepEqual(readModelReference(Buffer.of(), "M"), { name: "", version: "" });
    assert.deepEqual(readModelReference(Buffer.of(0x18, 0x01), "M"), { name: "", version: "" });
  });

  it("readModelReference refuses a torn message", () => {
    assert.throws(() => readModelReference(Buffer.of(0x0a, 0x02, 0x61), "ModelReadyRequest"), {
      code: "INVALID_ARG",
      message: /^Malformed ModelReadyRequest: 2 bytes announced, 1 left, at byte 2 of 3, in name$/,
    });
  });
});
