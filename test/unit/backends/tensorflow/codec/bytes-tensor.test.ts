import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { bytesFromWire, bytesToWire } from "../../../../../backends/tensorflow/codec/bytes-tensor.ts";

describe("bytesFromWire and bytesToWire", () => {
  it("bytesToWire puts the length before each element", () => {
    const wire = bytesToWire([Buffer.from("ab"), new Uint8Array(0), Uint8Array.of(255)]);
    assert.deepEqual([...wire], [2, 0, 0, 0, 97, 98, 0, 0, 0, 0, 1, 0, 0, 0, 255]);
  });

  it("bytesFromWire gives the elements back, whatever they hold", () => {
    const elements = [Uint8Array.of(0, 255), new Uint8Array(0), Uint8Array.from(Buffer.from("ÿ"))];
    assert.deepEqual(
      bytesFromWire(bytesToWire(elements)).map((element) => [...element]),
      elements.map((element) => [...element]),
    );
    assert.deepEqual(bytesFromWire(new Uint8Array(0)), []);
  });
});
