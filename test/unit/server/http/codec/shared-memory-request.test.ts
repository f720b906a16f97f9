import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readCudaRegion, readSystemRegion } from "../../../../../server/http/codec/shared-memory-request.ts";
import { invalid } from "./status-matcher.ts";

const bytes = (document: unknown): Buffer =>
  Buffer.from(typeof document === "string" ? document : JSON.stringify(document));

describe("readSystemRegion", () => {
  const whole = { key: "/k", offset: 4, byte_size: 64 };

  it("reads the members, and takes 0 for an offset that is not there", () => {
    assert.deepEqual(readSystemRegion("r", bytes(whole)), { name: "r", key: "/k", offset: 4, byteSize: 64 });
    assert.equal(readSystemRegion("r", bytes({ ...whole, offset: undefined })).offset, 0);
  });

  it("refuses what is missing or of the wrong type, and says what it is", () => {
    for (const [member, value, fragment] of [
      ["key", undefined, "Unable to parse 'key': expected a string, it is not there"],
      ["key", 1, "Unable to parse 'key': expected a string, got 1"],
      ["byte_size", undefined, "'byte_size': expected an unsigned integer, it is not there"],
      ["byte_size", "64", "'byte_size': expected an unsigned integer, got a value of type string"],
      ["byte_size", 1.5, "'byte_size': expected an unsigned integer, got 1.5"],
      ["offset", -1, "'offset': expected an unsigned integer, got -1"],
      ["offset", null, "'offset': expected an unsigned integer, got null"],
    ] as const) {
      assert.throws(() => readSystemRegion("r", bytes({ ...whole, [member]: value })), invalid(fragment));
    }
    assert.throws(
      () => readSystemRegion("r", bytes("")),
      invalid("'key': expected a string, it is not there"),
    );
    assert.throws(
      () => readSystemRegion("r", bytes("{")),
      invalid("failed to parse the request JSON buffer"),
    );
    assert.throws(() => readSystemRegion("r", bytes("[]")), invalid("expected an object, got an array"));
  });
});

describe("readCudaRegion", () => {
  const whole = { raw_handle: { b64: "AAEC" }, device_id: 1, byte_size: 64 };

  it("reads the members", () => {
    const region = { name: "r", rawHandle: Buffer.of(0, 1, 2), deviceId: 1, byteSize: 64 };
    assert.deepEqual(readCudaRegion("r", bytes(whole)), region);
  });

  it("refuses what is missing or of the wrong type", () => {
    for (const [member, value, fragment] of [
      ["raw_handle", undefined, "Unable to parse 'raw_handle': expected an object"],
      ["raw_handle", { b64: 1 }, "Unable to parse 'b64': expected a string, got 1"],
      ["device_id", undefined, "Unable to parse 'device_id': expected an unsigned integer"],
      ["byte_size", null, "Unable to parse 'byte_size': expected an unsigned integer, got null"],
    ] as const) {
      assert.throws(() => readCudaRegion("r", bytes({ ...whole, [member]: value })), invalid(fragment));
    }
  });
});
