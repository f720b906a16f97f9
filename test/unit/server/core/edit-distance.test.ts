import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { editDistance, nearest } from "../../../../server/core/edit-distance.ts";

describe("editDistance", () => {
  const cases: [string, string, number][] = [
    ["", "", 0],
    ["abc", "abc", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["kitten", "sitting", 3],
    ["port", "prot", 1],
    ["abcd", "badc", 2],
    ["name", "nmae", 1],
    ["a", "b", 1],
  ];
  for (const [a, b, distance] of cases) {
    it(`editDistance of "${a}" and "${b}" is ${distance}`, () => {
      assert.equal(editDistance(a, b), distance);
      assert.equal(editDistance(b, a), distance);
    });
  }
});

describe("nearest", () => {
  it("nearest finds the misspelt name", () => {
    assert.equal(nearest("--http-prt", ["--http-port", "--grpc-port"]), "--http-port");
  });

  it("nearest prefers the nearer candidate, wherever it stands", () => {
    assert.equal(nearest("prot", ["pot", "port"]), "pot");
    assert.equal(nearest("porr", ["pore", "port", "porr"]), "porr");
  });

  it("nearest takes the first of equally near candidates", () => {
    assert.equal(nearest("porx", ["pore", "port"]), "pore");
  });

  it("nearest ignores letter case and returns the candidate as given", () => {
    assert.equal(nearest("INPUTS", ["Inputs"]), "Inputs");
  });

  it("nearest suggests up to a third of the letters changed, and nothing beyond", () => {
    assert.equal(nearest("abcxyz", ["abcdez"]), "abcdez");
    assert.equal(nearest("abcxyw", ["abcdez"]), null);
  });

  it("nearest returns null without candidates", () => {
    assert.equal(nearest("a", []), null);
  });
});
