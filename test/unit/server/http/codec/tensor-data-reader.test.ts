import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DataType } from "../../../../../server/core/data-type.ts";
import { joinBytesElements } from "../../../../../server/core/bytes-elements.ts";
import { readTensorData } from "../../../../../server/http/codec/tensor-data-reader.ts";
import { readerOf } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

function convert(datatype: DataType, shape: number[], text: string, maxInputBytes = 1000): Uint8Array {
  const reader = readerOf(text);
  const data = readTensorData(reader, { name: "IN", datatype, shape }, maxInputBytes);
  reader.expectEnd();
  return data;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

describe("readTensorData", () => {
  it("cuts integers to the width of the type", () => {
    assert.deepEqual(convert("UINT8", [3], "[1,255,256]"), Uint8Array.of(1, 255, 0));
    assert.deepEqual(convert("INT8", [3], "[-1,128,300]"), bytesOf(Int8Array.of(-1, -128, 44)));
    assert.deepEqual(convert("UINT16", [2], "[65537,2]"), bytesOf(Uint16Array.of(1, 2)));
    assert.deepEqual(
      convert("INT32", [2], "[4294967297,-2147483649]"),
      bytesOf(Int32Array.of(1, 2147483647)),
    );
    assert.deepEqual(convert("INT16", [1], "[-9223372036854775807]"), bytesOf(Int16Array.of(1)));
    assert.deepEqual(convert("UINT32", [1], "[18446744073709551614]"), bytesOf(Uint32Array.of(4294967294)));
  });

  it("keeps every digit of 64-bit integers", () => {
    const signed = ["-9223372036854775808", "-1", "0", "-0", "9007199254740993", "9223372036854775807"];
    assert.deepEqual(
      convert("INT64", [6], `[${signed.join(",")}]`),
      bytesOf(BigInt64Array.from(signed.map((text) => (text === "-0" ? 0n : BigInt(text))))),
    );
    const unsigned = ["18446744073709551615", "4294967296", "7"];
    assert.deepEqual(
      convert("UINT64", [3], `[${unsigned.join(",")}]`),
      bytesOf(BigUint64Array.from(unsigned.map((text) => BigInt(text)))),
    );
  });

  it("takes any number for floats, and the tokens for what is not finite", () => {
    const text = "[1, 0.1, -2.5e3, NaN, Inf, -Infinity, 18446744073709551616, -0]";
    const values = [1, 0.1, -2500, Number.NaN, Infinity, -Infinity, 18446744073709552000, -0];
    assert.deepEqual(convert("FP32", [8], text), bytesOf(Float32Array.from(values)));
    assert.deepEqual(convert("FP64", [2, 4], text), bytesOf(Float64Array.from(values)));
  });

  it("takes only true and false for BOOL", () => {
    assert.deepEqual(convert("BOOL", [2, 1], "[[true],[false]]"), Uint8Array.of(1, 0));
    for (const text of ["[1]", '["true"]', "[null]"]) {
      assert.throws(() => convert("BOOL", [1], text), invalid("non-boolean as boolean"), text);
    }
  });

  it("puts the length before each string's UTF-8", () => {
    const texts = ["", "a\u0000b", "é😀", "x".repeat(300)];
    assert.deepEqual(
      convert("BYTES", [4], JSON.stringify(texts)),
      joinBytesElements(texts.map((text) => Buffer.from(text))),
    );
    assert.throws(() => convert("BYTES", [1], "[1]"), invalid("non-string as string"));
  });

  it("refuses elements of another JSON type", () => {
    for (const [datatype, text] of [
      ["INT32", "[1.0]"],
      ["INT32", "[1e3]"],
      ["INT32", '["1"]'],
      ["INT32", "[null]"],
      ["INT64", "[9223372036854775808]"],
      ["UINT8", "[-1]"],
      ["UINT64", "[18446744073709551616]"],
      ["FP32", '["1"]'],
      ["FP32", "[{}]"],
      ["FP32", "[true]"],
      ["FP32", '{"a":1}'],
      ["FP32", "5555"],
    ] as const) {
      assert.throws(
        () => convert(datatype, [1], text),
        invalid("Unable to parse 'data': attempt to access JSON non-"),
        `${datatype} ${text}`,
      );
    }
  });

  it("refuses more or fewer elements than the shape has", () => {
    for (const [datatype, text] of [
      ["FP32", "[1]"],
      ["FP32", "[1,2,3]"],
      ["FP64", "[[1   ]]"],
      ["INT8", "[1,2,3]"],
      ["INT8", "[1     ]"],
      ["BOOL", "[true]"],
      ["BOOL", "[true,true,true]"],
      ["BYTES", '["a"]'],
      ["BYTES", '["a","b","c"]'],
      ["FP32", "[]"],
    ] as const) {
      assert.throws(
        () => convert(datatype, [2, 1], text),
        invalid("shape does not match true shape"),
        `${datatype} ${text}`,
      );
    }
  });

  it("refuses more elements than the text can hold before it allocates them", () => {
    assert.throws(() => convert("FP64", [2 ** 50], "[1]", 2 ** 60), invalid("true shape"));
  });

  it("reads over the array of a tensor without elements", () => {
    assert.deepEqual(convert("FP32", [2, 0], "[1,[2]]"), new Uint8Array(0));
    assert.throws(() => convert("FP32", [0], "[1,]"), invalid("failed to parse"));
    assert.throws(() => convert("FP32", [0], "1"), invalid("non-array as array"));
  });

  it("reads a tensor of rank 0 as one element", () => {
    assert.deepEqual(convert("UINT8", [], "[9]"), Uint8Array.of(9));
  });

  it("refuses the 16-bit floats, which have no JSON form", () => {
    assert.throws(() => convert("FP16", [1], "[1]"), invalid("sending FP16 data via JSON is not supported"));
    assert.throws(() => convert("BF16", [1], "[1]"), invalid("sending BF16 data via JSON is not supported"));
  });

  it("refuses a result over the limit, and takes one that just fits", () => {
    const fragment = "bytes exceeds the maximum allowed input size of 15 bytes: raise --http-max-input-size";
    assert.throws(() => convert("FP64", [2], "[1,2]", 15), invalid(fragment));
    assert.equal(convert("FP64", [2], "[1,2]", 16).byteLength, 16);
    assert.throws(() => convert("BYTES", [2], '["abcd","efgh"]', 15), invalid(fragment));
    assert.equal(convert("BYTES", [2], '["abcd","efgh"]', 16).byteLength, 16);
    assert.throws(() => convert("BYTES", [4], '["","","",""]', 15), invalid(fragment));
  });
});
