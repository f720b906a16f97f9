import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { buffersOf } from "../../../../../server/http/codec-thread/transferable.ts";

describe("buffersOf", () => {
  it("names each buffer once", () => {
    const buffer = new ArrayBuffer(8);
    const other = new Uint8Array(4);
    assert.deepEqual(buffersOf([new Uint8Array(buffer, 0, 4), other, new Uint8Array(buffer, 4)]), [
      buffer,
      other.buffer,
    ]);
  });

  it("leaves out empty buffers, which several answers may share", () => {
    assert.deepEqual(buffersOf([new Uint8Array(0)]), []);
  });

  it("leaves out memory that all threads see anyway", () => {
    assert.deepEqual(buffersOf([new Uint8Array(new SharedArrayBuffer(8))]), []);
  });
});
