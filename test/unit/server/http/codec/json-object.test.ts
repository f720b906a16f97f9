import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { asObject, kindOf, readObject } from "../../../../../server/http/codec/json-object.ts";
import { invalid } from "./status-matcher.ts";

describe("readObject", () => {
  it("reads an object, from any part of a larger buffer", () => {
    const padded = Buffer.from('  {"a":[1]}  ');
    assert.deepEqual(readObject(padded.subarray(2, -2)), { a: [1] });
  });

  it("takes an empty body for an empty object", () => {
    assert.deepEqual(readObject(new Uint8Array(0)), {});
  });

  it("refuses what is no object", () => {
    assert.throws(() => readObject(Buffer.from("{")), invalid("failed to parse the request JSON buffer: "));
    assert.throws(
      () => readObject(Buffer.from("[]")),
      invalid("Unable to parse the request: expected an object"),
    );
  });
});

describe("asObject", () => {
  it("names what it refuses", () => {
    assert.throws(
      () => asObject("x", "'y'"),
      invalid("Unable to parse 'y': expected an object, got a value"),
    );
  });
});

describe("kindOf", () => {
  it("tells null and arrays from other objects", () => {
    assert.deepEqual([null, [], {}, 1].map(kindOf), [
      "null",
      "an array",
      "a value of type object",
      "a value of type number",
    ]);
  });
});
