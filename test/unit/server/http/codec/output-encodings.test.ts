import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { allBinary, allJson, OutputEncodings } from "../../../../../server/http/codec/output-encodings.ts";

describe("OutputEncodings", () => {
  it("gives listed outputs their own encoding and the others the common one", () => {
    const encodings = new OutputEncodings(new Map([["A", "json"]]), "binary");
    assert.equal(encodings.of("A"), "json");
    assert.equal(encodings.of("B"), "binary");
    assert.equal(allJson.of("A"), "json");
    assert.equal(allBinary.of("A"), "binary");
  });
});
