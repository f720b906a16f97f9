import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ShortStringCache } from "../../../../../server/http/codec/short-string-cache.ts";

describe("ShortStringCache", () => {
  it("gives each byte range its own text, however many share a slot", () => {
    const cache = new ShortStringCache();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 5000; i++) {
        const text = `${i}`.padStart(i % 40, "x");
        const bytes = Buffer.from(`<${text}>`);
        assert.equal(cache.get(bytes, 1, bytes.byteLength - 1), text);
      }
    }
    assert.equal(cache.get(Buffer.from("ab"), 1, 1), "");
  });
});
