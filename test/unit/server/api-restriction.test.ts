import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type ApiRestriction, isSecret, restrictionOf } from "../../../server/api-restriction.ts";

const restriction: ApiRestriction = { categories: ["health", "trace"], key: "k", value: "sécret" };

describe("isSecret", () => {
  it("accepts the very value and nothing else", () => {
    assert.equal(isSecret("sécret", restriction), true);
    for (const sent of ["", "secret", "sécre", "sécret ", "Sécret"])
      assert.equal(isSecret(sent, restriction), false);
  });
});

describe("restrictionOf", () => {
  it("finds the restriction of a category", () => {
    assert.equal(restrictionOf([restriction], "trace"), restriction);
    assert.equal(restrictionOf([restriction], "logging"), null);
  });
});
