import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  chooseResponseCompression,
  parseContentEncoding,
} from "../../../../../server/http/codec/content-encoding.ts";

describe("parseContentEncoding", () => {
  it("takes gzip, deflate, identity and nothing", () => {
    assert.equal(parseContentEncoding("gzip"), "gzip");
    assert.equal(parseContentEncoding("deflate"), "deflate");
    assert.equal(parseContentEncoding("identity"), null);
    assert.equal(parseContentEncoding(""), null);
  });

  for (const value of ["br", "GZIP", "x-gzip", "gzip, deflate", "gzip "]) {
    it(`knows no encoding '${value}'`, () => {
      const refused = parseContentEncoding(value);
      assert.ok(refused !== null && typeof refused === "object");
      assert.equal(refused.code, "UNSUPPORTED");
    });
  }
});

describe("chooseResponseCompression", () => {
  for (const [value, expected] of [
    ["", null],
    ["gzip", "gzip"],
    ["deflate", "deflate"],
    ["gzip, deflate", "gzip"],
    ["deflate,gzip", "deflate"],
    ["identity, gzip", null],
    ["gzip;q=0.5, deflate;q=0.8", "deflate"],
    ["deflate ; q=0.5 , gzip;q=.6", "gzip"],
    ["gzip;q=0.5, deflate", "deflate"],
    ["gzip;q=0.5, identity;q=0.9", null],
    ["gzip;q=0.5, deflate;q=0.5", "gzip"],
    ["gzip;q=0", null],
    ["gzip;q=0, deflate;q=0.001", "deflate"],
    ["gzip;q=high, deflate;q=0.1", "deflate"],
    ["gzip;q=-1", null],
    ["gzip;q=", null],
    ["gzip;level=9", null],
    ["br, zstd, *;q=0.1", null],
    ["br;q=1, gzip;q=0.1", "gzip"],
    [",,gzip,", "gzip"],
  ] as const) {
    it(`makes of '${value}' ${expected ?? "no compression"}`, () => {
      assert.equal(chooseResponseCompression(value), expected);
    });
  }
});
