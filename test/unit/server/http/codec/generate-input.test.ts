import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { splitBytesElements } from "../../../../../server/core/bytes-elements.ts";
import type { DataType } from "../../../../../server/core/data-type.ts";
import { StatusError } from "../../../../../server/core/status.ts";
import { readGenerateInput } from "../../../../../server/http/codec/generate-input.ts";
import { JsonReader } from "../../../../../server/http/codec/json-reader.ts";
import { invalid } from "./status-matcher.ts";

function read(json: string, datatype: DataType, shape: number[], maxBytes = 1000) {
  const bytes = Buffer.from(json);
  const reader = new JsonReader(bytes, 0, bytes.byteLength);
  const input = { name: "IN", datatype, shape, isOptional: false };
  const tensor = readGenerateInput(
    reader,
    input,
    maxBytes,
    (byteCount) => new StatusError("INVALID_ARG", `too large: ${byteCount}`),
  );
  assert.equal(reader.skipWhitespace(), -1);
  return tensor;
}

describe("readGenerateInput", () => {
  for (const [json, shape, deduced] of [
    ["7", [1], [1]],
    ["7", [-1, 1], [1, 1]],
    ["7", [], []],
    ["[1,2,3,4]", [-1], [4]],
    ["[1,2,3,4]", [4], [4]],
    ["[1,2,3,4]", [-1, 2], [2, 2]],
    ["[1,2,3,4]", [-1, -1], [1, 4]],
    ["[1,2,3,4]", [-1, -1, 2], [1, 2, 2]],
    ["[1,2,3,4]", [2, -1, 1, 2], [2, 1, 1, 2]],
    [" [ 1 , 2 ] ", [-1, -1, -1], [1, 1, 2]],
  ] as const) {
    it(`lays out ${json} in [${shape.join()}] as [${deduced.join()}]`, () => {
      assert.deepEqual(read(json, "INT32", [...shape]).shape, deduced);
    });
  }

  for (const [json, shape] of [
    ["[1,2,3]", [-1, 2]],
    ["[1,2,3]", [2]],
    ["[1,2,3,4]", [2]],
    ["1", [2]],
    ["1", [0, -1]],
  ] as const) {
    it(`refuses ${json} for [${shape.join()}]`, () => {
      assert.throws(() => read(json, "INT32", [...shape]), invalid("can not convert input 'IN'"));
    });
  }

  it("makes no shape and no data of an empty array", () => {
    const tensor = read("[]", "FP32", [-1, 4]);
    assert.deepEqual([tensor.shape, tensor.data.byteLength], [[], 0]);
  });

  it("reads a text, escapes included, as one element", () => {
    const [element, ...others] = splitBytesElements(read('"a\\n\\u00e9 \\"q\\""', "BYTES", [1]).data);
    assert.deepEqual([Buffer.from(element!).toString(), others.length], ['a\né "q"', 0]);
  });

  it("reads 64-bit integers exactly", () => {
    const { data } = read("[9223372036854775807,-9223372036854775808]", "INT64", [-1]);
    const view = new DataView(data.buffer, data.byteOffset);
    assert.deepEqual([view.getBigInt64(0, true), view.getBigInt64(8, true)], [2n ** 63n - 1n, -(2n ** 63n)]);
  });

  it("reads NaN and infinities", () => {
    const { data } = read("[NaN,-Infinity,0.5]", "FP32", [3]);
    const view = new DataView(data.buffer, data.byteOffset);
    assert.deepEqual(
      [0, 4, 8].map((offset) => view.getFloat32(offset, true)),
      [NaN, -Infinity, 0.5],
    );
  });

  it("reads booleans", () => {
    assert.deepEqual([...read("[true,false]", "BOOL", [-1]).data], [1, 0]);
  });

  for (const [json, datatype, fragment] of [
    ['"false"', "BOOL", "'IN': attempt to access JSON non-boolean as boolean"],
    ["1", "BOOL", "non-boolean as boolean"],
    ["123", "BYTES", "non-string as string"],
    ['{"a":"b"}', "BYTES", "non-string as string"],
    ["null", "BYTES", "non-string as string"],
    ['[["a"]]', "BYTES", "non-string as string"],
    ["[[1],[2]]", "FP32", "non-number as number"],
    ["true", "FP64", "non-number as number"],
    ["1.0", "INT8", "non-integer as integer"],
    ['"1"', "INT64", "non-integer as integer"],
    ["9223372036854775808", "INT64", "non-integer as integer"],
    ["-1", "UINT8", "non-unsigned integer as unsigned integer"],
    ["18446744073709551616", "UINT64", "non-unsigned integer as unsigned integer"],
    ["1", "FP16", "sending FP16 data via JSON is not supported"],
    ["1", "BF16", "sending BF16 data via JSON is not supported"],
    ["[1,", "FP32", "failed to parse the request JSON buffer"],
  ] as const) {
    it(`refuses ${json} as ${datatype} (row 29) (row 30)`, () => {
      assert.throws(() => read(json, datatype, [-1]), invalid(fragment));
    });
  }

  it("refuses a tensor over the limit, whatever the length of its text (row 19)", () => {
    assert.equal(read("[0,0,0,0]", "FP64", [-1], 32).data.byteLength, 32);
    assert.throws(() => read("[0,0,0,0,0]", "FP64", [-1], 32), invalid("too large: 40"));
    assert.equal(read('["ab","c"]', "BYTES", [-1], 11).data.byteLength, 11);
    assert.throws(() => read('["ab","cd"]', "BYTES", [-1], 11), invalid("too large: 12"));
  });
});
