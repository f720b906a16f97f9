import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import type { DataType } from "../../../../server/core/data-type.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { TensorSnapshot } from "../../../../server/tracing/tensor-snapshot.ts";
import { tensorText } from "../../../../server/tracing/tensor-text.ts";

function text(datatype: DataType, data: ArrayBufferView): Promise<string> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return tensorText(new TensorSnapshot("TENSOR_QUEUE_INPUT", new Tensor("t", datatype, [], bytes)));
}

describe("tensorText", () => {
  const cases: readonly (readonly [DataType, ArrayBufferView, string])[] = [
    ["BOOL", Uint8Array.of(1, 0, 7), "1,0,1"],
    ["UINT8", Uint8Array.of(0, 255), "0,255"],
    ["UINT16", Uint16Array.of(65_535), "65535"],
    ["UINT32", Uint32Array.of(4_294_967_295), "4294967295"],
    ["UINT64", BigUint64Array.of(18_446_744_073_709_551_615n), "18446744073709551615"],
    ["INT8", Int8Array.of(-128, 127), "-128,127"],
    ["INT16", Int16Array.of(-32_768), "-32768"],
    ["INT32", Int32Array.of(-5, 6), "-5,6"],
    ["INT64", BigInt64Array.of(-9_223_372_036_854_775_808n), "-9223372036854775808"],
    [
      "FP16",
      Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x7e00),
      "1,-2,5.960464477539063e-8,Infinity,NaN",
    ],
    [
      "FP32",
      Float32Array.of(0.1, 16_777_216, NaN, -Infinity, 3.4028234663852886e38),
      "0.1,16777216,NaN,-Infinity,3.4028235e+38",
    ],
    ["FP64", Float64Array.of(0.1, 1e300), "0.1,1e+300"],
    ["BF16", Uint16Array.of(0x3f80, 0xbf00), "1,-0.5"],
    ["INT32", new Int32Array(0), ""],
  ];
  for (const [datatype, data, expected] of cases) {
    it(`tensorText writes ${datatype} as ${expected}`, async () => {
      assert.equal(await text(datatype, data), expected);
    });
  }

  it("tensorText puts texts into quotation marks", async () => {
    const elements = ["1", 'a"b', ""].map((element) => Buffer.from(element));
    assert.equal(await text("BYTES", joinBytesElements(elements)), '"1","a\\"b",""');
  });

  it("tensorText gives way to other work in a large tensor", async () => {
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const written = await text("FP32", new Float32Array(20_000));
    isDone = true;
    assert.equal(written.split(",").length, 20_000);
    assert(turns >= 9, String(turns));
  });
});
