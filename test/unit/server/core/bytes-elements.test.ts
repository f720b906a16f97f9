import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  checkBytesElements,
  joinBytesElements,
  splitBytesElements,
} from "../../../../server/core/bytes-elements.ts";

const elements = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });

function messageFor(data: Uint8Array, expectedCount: number): string {
  const failed = checkBytesElements(data, expectedCount, "TEXT");
  assert.equal(failed?.code, "INVALID_ARG");
  return failed.message;
}

describe("joinBytesElements", () => {
  it("writes each length as a little-endian uint32 before the bytes", () => {
    assert.deepEqual(
      joinBytesElements([Uint8Array.of(9), Uint8Array.of()]),
      Uint8Array.of(1, 0, 0, 0, 9, 0, 0, 0, 0),
    );
    const long = joinBytesElements([new Uint8Array(0x01_02_03)]);
    assert.deepEqual(long.subarray(0, 4), Uint8Array.of(3, 2, 1, 0));
  });
});

describe("splitBytesElements", () => {
  it("undoes joinBytesElements", () => {
    fc.assert(
      fc.property(elements, (list) => {
        assert.deepEqual(splitBytesElements(joinBytesElements(list)), list);
      }),
    );
  });

  it("gives views, not copies, from data that starts anywhere in its buffer", () => {
    const joined = joinBytesElements([Uint8Array.of(7, 8)]);
    const buffer = new Uint8Array(joined.byteLength + 3);
    buffer.set(joined, 3);
    const [only] = splitBytesElements(buffer.subarray(3));
    buffer[7] = 99;
    assert.deepEqual(only, Uint8Array.of(99, 8));
  });
});

describe("checkBytesElements", () => {
  it("accepts exactly the number of elements that there are", () => {
    fc.assert(
      fc.property(elements, fc.integer({ min: -3, max: 3 }), (list, difference) => {
        const problem = checkBytesElements(joinBytesElements(list), list.length + difference, "TEXT");
        assert.equal(problem === null, difference === 0);
      }),
    );
  });

  it("never reads beyond data that is cut short", () => {
    fc.assert(
      fc.property(elements, fc.nat(50), (list, cut) => {
        const joined = joinBytesElements(list);
        const data = joined.subarray(0, Math.max(0, joined.byteLength - 1 - cut));
        if (joined.byteLength > 0) assert.notEqual(checkBytesElements(data, list.length, "TEXT"), null);
      }),
    );
  });

  it("names an incomplete length", () => {
    assert.equal(
      messageFor(Uint8Array.of(1, 0, 0), 1),
      "incomplete string length indicator for inference input 'TEXT', expecting 4 bytes but only 3 bytes available",
    );
  });

  it("names data that ends before its element", () => {
    assert.equal(
      messageFor(Uint8Array.of(5, 0, 0, 0, 1), 1),
      "incomplete string data for inference input 'TEXT', expecting string of length 5 but only 1 bytes available",
    );
  });

  it("reads lengths as unsigned", () => {
    assert.match(messageFor(Uint8Array.of(255, 255, 255, 255, 1), 1), /string of length 4294967295 but/);
  });

  it("names too many and too few elements", () => {
    const two = joinBytesElements([new Uint8Array(), new Uint8Array()]);
    assert.equal(
      messageFor(two, 1),
      "unexpected number of string elements 2 for inference input 'TEXT', expecting 1",
    );
    assert.equal(messageFor(two, 3), "expected 3 string elements for inference input 'TEXT', got 2");
  });
});
