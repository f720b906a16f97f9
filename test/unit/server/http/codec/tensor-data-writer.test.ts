import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { joinBytesElements, splitBytesElements } from "../../../../../server/core/bytes-elements.ts";
import type { DataType } from "../../../../../server/core/data-type.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { JsonWriter } from "../../../../../server/http/codec/json-writer.ts";
import { writeTensorData } from "../../../../../server/http/codec/tensor-data-writer.ts";
import { invalid, status } from "./status-matcher.ts";
import { tensors } from "./tensor-arbitrary.ts";

function format(tensor: Tensor): string {
  const writer = new JsonWriter(1 << 20);
  writeTensorData(writer, tensor);
  return Buffer.from(writer.written()).toString();
}

function output(datatype: DataType, count: number, values: ArrayBufferView): Tensor {
  return new Tensor(
    "OUT",
    datatype,
    [count],
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
}

/** The elements that JSON.parse can give back: finite numbers and integers up to 2^53. */
function elementsOf({ datatype, data }: Tensor): unknown[] | null {
  const copy = data.slice().buffer;
  switch (datatype) {
    case "BOOL":
      return Array.from(data, (byte) => byte !== 0);
    case "BYTES":
      return splitBytesElements(data).map((element) => Buffer.from(element).toString());
    case "UINT8":
      return [...new Uint8Array(copy)];
    case "INT8":
      return [...new Int8Array(copy)];
    case "UINT16":
      return [...new Uint16Array(copy)];
    case "INT16":
      return [...new Int16Array(copy)];
    case "UINT32":
      return [...new Uint32Array(copy)];
    case "INT32":
      return [...new Int32Array(copy)];
    case "FP32":
      return [...new Float32Array(copy)];
    case "FP64":
      return [...new Float64Array(copy)];
    default:
      return null;
  }
}

describe("writeTensorData", () => {
  it("writes flat arrays that JSON.parse reads back", () => {
    fc.assert(
      fc.property(tensors, (tensor) => {
        const elements = elementsOf(tensor);
        fc.pre(
          elements?.every((element) => typeof element !== "number" || Number.isFinite(element)) === true,
        );
        assert.deepEqual(JSON.parse(format(tensor)), elements);
      }),
      { numRuns: 500 },
    );
  });

  it("writes every digit of 64-bit integers", () => {
    assert.equal(
      format(output("INT64", 4, BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, -1n, 2n ** 53n + 1n))),
      "[-9223372036854775808,9223372036854775807,-1,9007199254740993]",
    );
    assert.equal(
      format(output("UINT64", 2, BigUint64Array.of(2n ** 64n - 1n, 5n))),
      "[18446744073709551615,5]",
    );
  });

  it("writes floats by way of doubles, and the bare tokens", () => {
    assert.equal(
      format(output("FP32", 5, Float32Array.of(0.1, 1, Number.NaN, Infinity, -Infinity))),
      "[0.10000000149011612,1.0,NaN,Infinity,-Infinity]",
    );
  });

  it("writes arrays longer than one run, and empty ones", () => {
    const values = Float32Array.from({ length: 5000 }, (_, i) => i / 8);
    assert.deepEqual(JSON.parse(format(output("FP32", 5000, values))), [...values]);
    assert.equal(format(output("FP32", 0, new Float32Array(0))), "[]");
  });

  it("refuses 16-bit floats", () => {
    for (const datatype of ["FP16", "BF16"] as const) {
      assert.throws(
        () => format(output(datatype, 1, Uint16Array.of(0))),
        invalid(`sending ${datatype} data via JSON is not supported`),
      );
    }
  });

  it("refuses BYTES that are not UTF-8 and names the element", () => {
    const data = joinBytesElements([Buffer.from("ok"), Uint8Array.of(0xff)]);
    assert.throws(
      () => format(output("BYTES", 2, data)),
      invalid("element 1 of output 'OUT' is not valid UTF-8 and has no JSON form: ask for it as binary data"),
    );
  });

  it("reports malformed BYTES as the server's fault", () => {
    for (const data of [Uint8Array.of(1, 0), Uint8Array.of(9, 0, 0, 0, 65), joinBytesElements([])]) {
      assert.throws(
        () => format(output("BYTES", 1, data)),
        status("INTERNAL", "malformed data of output 'OUT'"),
      );
    }
  });
});
