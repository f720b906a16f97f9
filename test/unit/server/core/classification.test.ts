import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { splitBytesElements } from "../../../../server/core/bytes-elements.ts";
import { classify, isClassifiable } from "../../../../server/core/classification.ts";
import { type DataType, dataTypes } from "../../../../server/core/data-type.ts";
import { Tensor } from "../../../../server/core/tensor.ts";

function tensorOf(datatype: DataType, shape: number[], values: ArrayBufferView): Tensor {
  return new Tensor(
    "y",
    datatype,
    shape,
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
}

function texts(output: Tensor, rule: Partial<Parameters<typeof classify>[1]> = {}): [number[], string[]] {
  const classes = classify(output, { count: 2, labels: [], isBatching: true, ...rule });
  assert.ok("data" in classes, JSON.stringify(classes));
  return [[...classes.shape], splitBytesElements(classes.data).map((bytes) => Buffer.from(bytes).toString())];
}

const scores = tensorOf("FP32", [2, 3], Float32Array.of(0.5, 3.3, 1, -1, -2, 7));

describe("classify", () => {
  it("gives the highest of each item, floats with six decimals", () => {
    const expected = ["3.300000:1", "1.000000:2", "7.000000:2", "-1.000000:0"];
    assert.deepEqual(texts(scores), [[2, 2], expected]);
  });

  it("adds the labels that there are", () => {
    const [, elements] = texts(scores, { labels: ["a", "b"] });
    assert.deepEqual(elements, ["3.300000:1:b", "1.000000:2", "7.000000:2", "-1.000000:0:a"]);
  });

  it("gives all classes when more are wanted than there are", () => {
    const [shape, elements] = texts(scores, { count: 99 });
    assert.deepEqual(shape, [2, 3]);
    assert.equal(elements.length, 6);
  });

  it("takes everything as one item without a batch", () => {
    assert.deepEqual(texts(scores, { isBatching: false }), [[2], ["7.000000:5", "3.300000:1"]]);
  });

  it("keeps the order of the index among equal values", () => {
    const equal = tensorOf("INT32", [1, 4], Int32Array.of(5, 9, 5, 9));
    assert.deepEqual(texts(equal, { count: 4 })[1], ["9:1", "9:3", "5:0", "5:2"]);
  });

  it("orders 64-bit integers exactly", () => {
    const close = tensorOf("INT64", [1, 2], BigInt64Array.of(9007199254740992n, 9007199254740993n));
    assert.deepEqual(texts(close)[1], ["9007199254740993:1", "9007199254740992:0"]);
    const large = tensorOf("UINT64", [1, 1], BigUint64Array.of(2n ** 64n - 1n));
    assert.deepEqual(texts(large)[1], ["18446744073709551615:0"]);
  });

  it("writes values that have no six decimals as C++ does, NaN last", () => {
    const odd = tensorOf("FP64", [1, 4], Float64Array.of(Number.NaN, -Infinity, Infinity, 1e21));
    const expected = ["inf:2", "1000000000000000000000.000000:3", "-inf:1", "nan:0"];
    assert.deepEqual(texts(odd, { count: 4 })[1], expected);
  });

  it("reads values at any address", () => {
    const shifted = new Uint8Array(1 + 8);
    shifted.set(new Uint8Array(Float32Array.of(1, 2).buffer), 1);
    assert.deepEqual(texts(new Tensor("y", "FP32", [1, 2], shifted.subarray(1)))[1], [
      "2.000000:1",
      "1.000000:0",
    ]);
  });

  it("gives nothing for an empty batch", () => {
    assert.deepEqual(texts(tensorOf("FP32", [0, 3], new Float32Array(0))), [[0, 2], []]);
  });

  it("refuses items of more than a million values", () => {
    const rule = { count: 1, labels: [], isBatching: true };
    const size = 1_000_001;
    const refused = classify(tensorOf("INT8", [1, size], new Int8Array(size)), rule);
    assert.ok("code" in refused);
    assert.match(refused.message, /^classification output tensor too large: 'y' has 1000001 values/);
    assert.ok("data" in classify(tensorOf("INT8", [1, size - 1], new Int8Array(size - 1)), rule));
  });
});

describe("isClassifiable", () => {
  it("excludes the types without an order that a client could expect", () => {
    assert.deepEqual(
      dataTypes.filter((type) => !isClassifiable(type)),
      ["BOOL", "FP16", "BYTES", "BF16"],
    );
  });
});
