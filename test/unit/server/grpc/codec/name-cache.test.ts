import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeName } from "../../../../../server/grpc/codec/name-cache.ts";

function decode(text: string): string {
  const bytes = Buffer.from(`[${text}]`);
  return decodeName(bytes, 1, bytes.length - 1);
}

describe("decodeName", () => {
  it("decodeName decodes a name the same the first and every other time", () => {
    const names = [
      "",
      "a",
      "INPUT0",
      "INPUT1",
      "é",
      "日本",
      "\ufffd",
      "x".repeat(48),
      "x".repeat(49),
      "\u0000",
    ];
    for (let round = 0; round < 3; round++) for (const name of names) assert.equal(decode(name), name);
  });

  it("decodeName keeps names apart that fall on the same slot", () => {
    // First, middle and last character are equal, so the hash is.
    for (let round = 0; round < 2; round++) {
      for (const name of ["aXbYc", "aYbXc", "a\u0000bYc"]) assert.equal(decode(name), name);
    }
  });

  it("decodeName does not take bytes for the character they stand for in Latin-1", () => {
    assert.equal(decode("\u00c3\u00a9"), "Ã©");
    assert.equal(decode("\u00e9"), "é");
  });
});
