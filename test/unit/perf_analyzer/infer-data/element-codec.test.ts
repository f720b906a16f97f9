import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  countElements,
  encodeElements,
  splitElements,
} from "../../../../perf_analyzer/infer-data/element-codec.ts";
import { jsonOfElements } from "../../../../perf_analyzer/infer-data/element-json.ts";
import { brainBits, halfBits } from "../../../../perf_analyzer/infer-data/half-float.ts";
import type { DataType } from "../../../../server/core/data-type.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("encodeElements", () => {
  const cases: readonly (readonly [DataType, readonly unknown[], string])[] = [
    ["BOOL", [true, false, 1], "010001"],
    ["INT8", [-1, 127], "ff7f"],
    ["UINT16", [1, 65_535], "0100ffff"],
    ["INT32", [[-2], [3]], "feffffff03000000"],
    ["INT64", ["-9223372036854775808", 1], "00000000000000800100000000000000"],
    ["UINT64", ["18446744073709551615"], "ffffffffffffffff"],
    ["FP16", [1, -2], "003c00c0"],
    ["BF16", [1], "803f"],
    ["FP32", [0.5], "0000003f"],
    ["FP64", [1], "000000000000f03f"],
    ["BYTES", ["é", ""], "02000000c3a900000000"],
  ];
  for (const [datatype, values, expected] of cases) {
    it(`writes ${datatype} as wire bytes`, () => {
      const bytes = encodeElements(datatype, values, "x");
      assert.equal(hex(bytes), expected);
      assert.equal(countElements(datatype, bytes), values.length);
    });
  }

  for (const [datatype, value] of [
    ["INT8", 128],
    ["UINT8", -1],
    ["INT32", 1.5],
    ["INT64", "9223372036854775808"],
    ["BOOL", 2],
    ["FP32", "1"],
    ["BYTES", 1],
  ] as const) {
    it(`refuses ${JSON.stringify(value)} as ${datatype} and says where`, () => {
      assert.throws(
        () => encodeElements(datatype, [value], "data[0].IN"),
        /^PerfError: data\[0\]\.IN: element 0 is/,
      );
    });
  }
});

describe("jsonOfElements", () => {
  for (const [datatype, values] of [
    ["BOOL", [true, false]],
    ["UINT8", [0, 255]],
    ["INT16", [-32_768, 5]],
    ["FP64", [0.1, -1e300]],
    ["BYTES", ["a", 'quo"te']],
  ] as const) {
    it(`writes ${datatype} so that it reads back`, () => {
      assert.deepEqual(
        JSON.parse(jsonOfElements("x", datatype, encodeElements(datatype, values, "x"))),
        values,
      );
    });
  }

  it("keeps all digits of 64-bit integers", () => {
    const bytes = encodeElements("INT64", ["9223372036854775807"], "x");
    assert.equal(jsonOfElements("x", "INT64", bytes), "[9223372036854775807]");
  });

  it("refuses what JSON cannot carry", () => {
    assert.throws(() => jsonOfElements("x", "FP16", new Uint8Array(2)), /binary tensor format/);
    assert.throws(() => jsonOfElements("x", "FP32", new Uint8Array([0, 0, 0xc0, 0x7f])), /NaN/);
  });
});

describe("splitElements", () => {
  it("refuses lengths that do not add up", () => {
    assert.equal(splitElements(new Uint8Array([5, 0, 0, 0, 1])), null);
    assert.equal(splitElements(new Uint8Array([1, 0])), null);
  });
});

describe("halfBits", () => {
  it("rounds to the nearest FP16, ties to even, at the edges of its range", () => {
    for (const [value, bits] of [
      [0, 0],
      [-0, 0x8000],
      [65_504, 0x7bff],
      [65_519, 0x7bff],
      [65_520, 0x7c00],
      [Number.NEGATIVE_INFINITY, 0xfc00],
      [2 ** -24, 1],
      [2 ** -25, 0],
      [2 ** -14, 0x0400],
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
      [2047.9, 0x67ff + 1],
    ] as const) {
      assert.equal(halfBits(value), bits, String(value));
    }
  });
});

describe("brainBits", () => {
  it("rounds to the nearest BF16, ties to even", () => {
    assert.equal(brainBits(1 + 2 ** -8), 0x3f80);
    assert.equal(brainBits(1 + 3 * 2 ** -8), 0x3f82);
    assert.equal(brainBits(Number.NaN), 0x7fc0);
  });
});
