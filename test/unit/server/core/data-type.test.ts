import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  configDataTypeName,
  dataTypeByteSize,
  dataTypes,
  parseConfigDataType,
  parseDataType,
} from "../../../../server/core/data-type.ts";

describe("dataTypes", () => {
  it("stand in the order of the protobuf enum", () => {
    assert.equal(
      dataTypes.join(" "),
      "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES BF16",
    );
  });
});

describe("dataTypeByteSize", () => {
  it("is what the name says, in bits; BOOL is a byte and BYTES has no size", () => {
    for (const type of dataTypes) {
      const bits = /\d+$/.exec(type)?.[0];
      const expected = bits === undefined ? (type === "BOOL" ? 1 : 0) : Number(bits) / 8;
      assert.equal(dataTypeByteSize[type], expected, type);
    }
  });
});

describe("parseDataType", () => {
  it("knows every type by its protocol name", () => {
    for (const type of dataTypes) assert.equal(parseDataType(type), type);
  });

  it("knows nothing else", () => {
    for (const name of ["", "fp32", "TYPE_FP32", "STRING", "FLOAT", "constructor", "BOOL "]) {
      assert.equal(parseDataType(name), null, name);
    }
  });
});

describe("parseConfigDataType", () => {
  it("undoes configDataTypeName for every type", () => {
    for (const type of dataTypes) assert.equal(parseConfigDataType(configDataTypeName(type)), type);
  });

  it("knows BYTES as TYPE_STRING only", () => {
    assert.equal(configDataTypeName("BYTES"), "TYPE_STRING");
    assert.equal(parseConfigDataType("TYPE_BYTES"), null);
    assert.equal(parseConfigDataType("FP32"), null);
    assert.equal(parseConfigDataType("TYPE_INVALID"), null);
  });
});
