import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { KeptTensor, splitRows, zeroData } from "../../../../backends/worker/kept-tensor.ts";
import { checkBytesElements, joinBytesElements } from "../../../../server/core/bytes-elements.ts";

describe("KeptTensor", () => {
  it("copies what it is given, and reuses its memory for what has the same size", () => {
    const source = Uint8Array.of(1, 2);
    const kept = new KeptTensor([2], source);
    source.fill(9);
    assert.deepEqual([...kept.data], [1, 2]);
    const { buffer } = kept.data;
    kept.replace([1, 2], source);
    source.fill(0);
    assert.deepEqual(
      [[...kept.data], kept.shape],
      [
        [9, 9],
        [1, 2],
      ],
    );
    assert.equal(kept.data.buffer, buffer);
    kept.replace([3], Uint8Array.of(1, 2, 3));
    assert.deepEqual([...kept.data], [1, 2, 3]);
  });

  it("starts at the beginning of its buffer, which every element type can be read from", () => {
    const kept = new KeptTensor([1], new Uint8Array(16).subarray(3, 11));
    assert.deepEqual([kept.data.byteOffset, kept.data.buffer.byteLength], [0, 8]);
  });
});

describe("zeroData", () => {
  it("is zeros of the type's size, and empty strings", () => {
    assert.deepEqual(zeroData("FP32", [2, 3]), new Uint8Array(24));
    assert.deepEqual(zeroData("BOOL", []), new Uint8Array(1));
    assert.equal(checkBytesElements(zeroData("BYTES", [2]), 2, "x"), null);
  });
});

describe("splitRows", () => {
  it("cuts equal rows of elements of one size", () => {
    const rows = splitRows(Uint8Array.of(1, 2, 3, 4, 5, 6), 3, "UINT8");
    assert.deepEqual(
      rows.map((row) => [...row]),
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    );
  });

  it("cuts strings by their number", () => {
    const words = ["a", "", "ccc", "dd"].map((word) => new TextEncoder().encode(word));
    const rows = splitRows(joinBytesElements(words), 2, "BYTES");
    assert.deepEqual(
      rows.map((row) => Buffer.from(row)),
      [words.slice(0, 2), words.slice(2)].map((half) => Buffer.from(joinBytesElements(half))),
    );
  });
});
