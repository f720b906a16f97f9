import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ReceivedTensor, tensorsByName } from "../../../../backends/javascript/received-tensor.ts";
import type { DataType } from "../../../../server/core/data-type.ts";

const received = (datatype: DataType, data: Uint8Array) =>
  new ReceivedTensor({ name: "T", datatype, shape: [1], data });

describe("ReceivedTensor", () => {
  it("shows elements in place", () => {
    const bytes = new Uint8Array(new BigInt64Array([1n, -2n]).buffer, 8);
    const tensor = received("INT64", bytes);
    assert.deepEqual([...tensor.as("INT64")], [-2n]);
    assert.equal(tensor.as("INT64").buffer, bytes.buffer);
    assert.equal(tensor.data, tensor.data);
  });

  it("gives half-precision numbers as their bits", () => {
    assert.deepEqual([...received("FP16", Uint8Array.of(0, 60)).as("FP16")], [0x3c00]);
    assert.deepEqual([...received("BF16", Uint8Array.of(128, 63)).as("BF16")], [0x3f80]);
  });

  it("decodes strings, byte order marks included, and gives their bytes", () => {
    const tensor = received("BYTES", Uint8Array.of(3, 0, 0, 0, 0xef, 0xbb, 0xbf, 1, 0, 0, 0, 65));
    assert.deepEqual(tensor.strings(), ["\uFEFF", "A"]);
    assert.deepEqual(tensor.data, ["\uFEFF", "A"]);
    assert.deepEqual(
      tensor.elements().map((element) => element.byteLength),
      [3, 1],
    );
  });

  it("refuses to be something else", () => {
    assert.throws(() => received("FP32", new Uint8Array(4)).as("INT32"), {
      message: "tensor 'T' is FP32, not INT32",
    });
    assert.throws(() => received("FP32", new Uint8Array(4)).strings(), {
      message: "tensor 'T' is FP32, and strings() is for BYTES: use data",
    });
    assert.throws(() => received("FP32", new Uint8Array(4)).elements(), /elements\(\) is for BYTES/);
  });
});

describe("tensorsByName", () => {
  it("has nothing but the tensors", () => {
    const byName = tensorsByName([
      { name: "__proto__", datatype: "UINT8", shape: [0], data: new Uint8Array(0) },
    ]);
    assert.deepEqual(Object.keys(byName), ["__proto__"]);
    assert.equal("toString" in byName, false);
  });
});
