import assert from "node:assert/strict";
import { describe, it } from "mocha";
import protobuf from "protobufjs/light.js";
import {
  list,
  map,
  member,
  one,
  readMessage,
  schema,
} from "../../../../../backends/tensorflow/codec/message-reader.ts";

const inner = schema({ 1: one("text", "string"), 2: one("number", "int64") });
const outer = schema({
  1: list("counts", "int32"),
  2: list("ratios", "float"),
  3: map("parts", inner),
  4: one("only", inner),
  5: member("flag", "bool"),
  6: member("bytes", "bytes"),
  7: one("digest", "fixed32"),
  8: list("words", "string"),
  9: list("wide", "double"),
});

/** The library's own writer of the same messages, and of a field that the reader does not know. */
const Outer = protobuf.Root.fromJSON({
  nested: {
    Inner: { fields: { text: { type: "string", id: 1 }, number: { type: "int64", id: 2 } } },
    Outer: {
      fields: {
        counts: { rule: "repeated", type: "int32", id: 1 },
        ratios: { rule: "repeated", type: "float", id: 2, options: { packed: false } },
        parts: { keyType: "string", type: "Inner", id: 3 },
        only: { type: "Inner", id: 4 },
        flag: { type: "bool", id: 5 },
        bytes: { type: "bytes", id: 6 },
        digest: { type: "fixed32", id: 7 },
        words: { rule: "repeated", type: "string", id: 8 },
        wide: { rule: "repeated", type: "double", id: 9 },
        unknown: { type: "Inner", id: 99 },
      },
    },
  },
} as protobuf.INamespace).lookupType("Outer");

function written(message: object): Uint8Array {
  return Outer.encode(Outer.fromObject(message)).finish();
}

describe("readMessage", () => {
  it("reads what the library writes, and skips fields that it does not know", () => {
    const bytes = written({
      counts: [1, -2, 2 ** 31 - 1],
      ratios: [0.5, -0.25],
      parts: { a: { text: "x", number: -1 }, b: {} },
      only: { text: "é", number: 2 ** 40 },
      flag: true,
      bytes: Uint8Array.of(0, 255),
      digest: 0xffff_ffff,
      words: ["", "y"],
      wide: [1e300],
      unknown: { text: "skipped" },
    });
    const read = readMessage(bytes, outer) as Record<string, unknown>;
    assert.deepEqual(
      { ...read, parts: { ...(read["parts"] as object) }, bytes: Array.from(read["bytes"] as Uint8Array) },
      {
        counts: [1, -2, 2 ** 31 - 1],
        ratios: [0.5, -0.25],
        parts: { a: { text: "x", number: -1 }, b: { text: "", number: 0 } },
        only: { text: "é", number: 2 ** 40 },
        flag: true,
        bytes: [0, 255],
        digest: 0xffff_ffff,
        words: ["", "y"],
        wide: [1e300],
      },
    );
  });

  it("gives absent fields their zeros and leaves absent members out", () => {
    const read = readMessage(new Uint8Array(0), outer) as Record<string, unknown>;
    assert.deepEqual(Object.keys(read), ["counts", "ratios", "parts", "only", "digest", "words", "wide"]);
    assert.deepEqual(read["counts"], []);
    assert.equal(read["only"], null);
    assert.equal(read["digest"], 0);
  });

  it("takes a map entry without a value as an empty message, whatever its key", () => {
    const entry = [0x0a, 9, ...new TextEncoder().encode("__proto__")];
    const read = readMessage(Uint8Array.of(0x1a, entry.length, ...entry), outer) as {
      parts: Record<string, unknown>;
    };
    assert.deepEqual(Object.entries(read.parts), [["__proto__", { text: "", number: 0 }]]);
  });

  for (const [what, bytes, expected] of [
    ["ends within a field", [0x22, 5, 0x0a], /5 bytes are missing|index out of range/],
    ["has a part that is longer than the message around it", [0x22, 2, 0x0a, 9, 1], /missing|out of range/],
    ["has a field of another wire type", [0x3a, 1, 0], /field 'digest' has wire type 2, not 5/],
  ] as const) {
    it(`refuses a message that ${what}`, () => {
      assert.throws(() => readMessage(Uint8Array.from(bytes), outer), expected);
    });
  }
});
