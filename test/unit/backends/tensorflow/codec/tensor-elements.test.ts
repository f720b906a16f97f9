import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { before, describe, it } from "mocha";
import { elementCodec } from "../../../../../backends/tensorflow/codec/tensor-elements.ts";
import { crc32c, unmaskCrc32c } from "../../../../../backends/tensorflow/codec/crc32c.ts";
import { startEngine } from "../../../../../backends/tensorflow/engine/tensorflow-engine.ts";
import { dataTypes, type DataType } from "../../../../../server/core/data-type.ts";

const wire: Readonly<Partial<Record<DataType, ArrayBufferView>>> = {
  FP32: Float32Array.from([0, -1.5, Infinity, NaN]),
  INT32: Int32Array.from([0, -(2 ** 31), 2 ** 31 - 1]),
  BOOL: Uint8Array.from([0, 1, 1]),
  UINT8: Uint8Array.from([0, 255]),
  INT8: Int8Array.from([-128, 127]),
  UINT16: Uint16Array.from([0, 65_535]),
  INT16: Int16Array.from([-32_768, 32_767]),
  INT64: BigInt64Array.from([0n, -1n, -(2n ** 31n), 2n ** 31n - 1n]),
  // "", a byte that is not UTF-8, and a NUL.
  BYTES: Uint8Array.from([0, 0, 0, 0, 1, 0, 0, 0, 0xff, 2, 0, 0, 0, 65, 0]),
};

describe("elementCodec", () => {
  before(async () => startEngine("wasm"));

  for (const [datatype, values] of Object.entries(wire)) {
    it(`carries ${datatype} through the engine bit by bit`, () => {
      const codec = elementCodec(datatype as DataType)!;
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      const { buffer } = Uint8Array.from(bytes);
      const elements = codec.decode("x", buffer, 0, bytes.byteLength);
      assert.ok(!("message" in elements));
      const tensor = tf
        .engine()
        .makeTensor(elements as unknown as tf.DataValues, [elements.length], codec.engineType);
      assert.deepEqual(Buffer.from(codec.encode(tensor)), Buffer.from(bytes));
      tensor.dispose();
    });
  }

  it("has none for the types that the engine would round or cut", () => {
    assert.deepEqual(
      dataTypes.filter((datatype) => elementCodec(datatype) === null),
      ["UINT32", "UINT64", "FP16", "FP64", "BF16"],
    );
  });

  it("refuses INT64 values just beyond 32 bits", () => {
    for (const value of [2n ** 31n, -(2n ** 31n) - 1n]) {
      const result = elementCodec("INT64")!.decode("x", BigInt64Array.from([value]).buffer, 0, 8);
      assert.ok("message" in result && result.message.includes(String(value)));
    }
  });
});

describe("crc32c", () => {
  it("gives the check value of the CRC catalogue, for every way to cut the input", () => {
    const digits = Buffer.from("123456789");
    assert.equal(crc32c(digits), 0xe3069283);
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  });

  it("takes the mask off", () => {
    const rotated = ((0xe3069283 >>> 15) | (0xe3069283 << 17)) >>> 0;
    assert.equal(unmaskCrc32c((rotated + 0xa282ead8) >>> 0), 0xe3069283);
  });
});
