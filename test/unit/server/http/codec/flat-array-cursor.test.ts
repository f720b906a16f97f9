import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { FlatArrayCursor } from "../../../../../server/http/codec/flat-array-cursor.ts";
import { jsonKind } from "../../../../../server/http/codec/json-cursor.ts";
import { readNumber } from "../../../../../server/http/codec/json-number.ts";
import { readerOf } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

function flatten(text: string): number[] {
  const reader = readerOf(text);
  const elements = new FlatArrayCursor(reader, "data");
  const values: number[] = [];
  for (let kind = elements.next(); kind !== jsonKind.none; kind = elements.next()) {
    assert.equal(kind, jsonKind.number);
    values.push(readNumber(reader));
  }
  reader.expectEnd();
  return values;
}

describe("FlatArrayCursor", () => {
  it("gives the numbers of nested arrays in document order", () => {
    assert.deepEqual(flatten("[1,2,3]"), [1, 2, 3]);
    assert.deepEqual(flatten("[[1, 2], [ [3],4 ] , 5]"), [1, 2, 3, 4, 5]);
    assert.deepEqual(flatten("[[],[[]],1,[]]"), [1]);
    assert.deepEqual(flatten("[ ]"), []);
  });

  it("refuses broken arrays", () => {
    for (const text of ["[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[[1]", "[1,  ]", "[1}"]) {
      assert.throws(() => flatten(text), invalid("failed to parse the request JSON buffer"), text);
    }
  });

  it("reports an object as found", () => {
    assert.equal(new FlatArrayCursor(readerOf("[{}]"), "data").next(), jsonKind.object);
  });

  it("goes 99 levels deep and refuses the hundredth", () => {
    assert.deepEqual(flatten(`${"[".repeat(99)}7${"]".repeat(99)}`), [7]);
    assert.throws(
      () => flatten(`${"[".repeat(100)}7${"]".repeat(100)}`),
      invalid("JSON nesting depth exceeds"),
    );
  });
});
