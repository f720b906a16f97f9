import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type ParameterEntry, readParameterEntry } from "../../../../../server/grpc/codec/infer-parameter.ts";
import { ProtoReader } from "../../../../../server/grpc/codec/proto-reader.ts";
import { encodeMessage } from "../wire.ts";

/** Reads the first entry of a request's parameters. */
function readEntry(key: string, parameter: object): ParameterEntry {
  return readBytes(encodeMessage("ModelInferRequest", { parameters: { [key]: parameter } }).subarray(1));
}

/** @param bytes - Length and entry. */
function readBytes(bytes: Buffer): ParameterEntry {
  const reader = new ProtoReader(bytes, "ModelInferRequest");
  const entry = readParameterEntry(reader, "parameters");
  assert.equal(reader.offset, bytes.length);
  assert.equal(reader.end, bytes.length);
  return entry;
}

describe("readParameterEntry", () => {
  const cases = [
    ["bool_param", true, true],
    ["bool_param", false, false],
    ["int64_param", "-1", -1],
    ["int64_param", "-9007199254740992", -(2n ** 53n)],
    ["int64_param", "9007199254740991", Number.MAX_SAFE_INTEGER],
    ["uint64_param", "18446744073709551615", 2n ** 64n - 1n],
    ["string_param", "", ""],
    ["double_param", -0.5, -0.5],
    ["double_param", Number.NaN, Number.NaN],
  ] as const;
  for (const [choice, sent, value] of cases) {
    it(`readParameterEntry reads ${choice} ${sent}`, () => {
      assert.deepEqual(readEntry("k", { [choice]: sent }), { key: "k", choice, value });
    });
  }

  it("readParameterEntry says that a parameter has no value", () => {
    assert.deepEqual(readEntry("k", {}), { key: "k", choice: "none", value: false });
    assert.deepEqual(readBytes(Buffer.of(0)), { key: "", choice: "none", value: false });
  });

  it("readParameterEntry takes the last member of the oneof and passes over unknown fields", () => {
    const parameter = [0x08, 1, 0x10, 5, 0x30, 9];
    const entry = [0x12, parameter.length, ...parameter, 0x0a, 1, 0x61, 0x18, 7];
    assert.deepEqual(readBytes(Buffer.of(entry.length, ...entry)), {
      key: "a",
      choice: "int64_param",
      value: 5,
    });
  });

  it("readParameterEntry refuses a value that runs past its entry", () => {
    assert.throws(() => readBytes(Buffer.of(3, 0x12, 5, 0x08, 1, 1, 1, 1)), {
      code: "INVALID_ARG",
      message: /5 bytes announced, 1 left, at byte 3 of 8, in parameters/,
    });
  });
});
