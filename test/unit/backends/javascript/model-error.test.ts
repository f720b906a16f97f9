import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failureOf, inferError } from "../../../../backends/javascript/model-error.ts";

describe("failureOf", () => {
  it("keeps a code of ours and takes no other", () => {
    assert.deepEqual(failureOf(inferError({ code: "NOT_FOUND", message: "m" })), {
      code: "NOT_FOUND",
      message: "m",
    });
    const foreign = Object.assign(new Error("m"), { code: "ENOENT" });
    assert.deepEqual(failureOf(foreign), { code: "INTERNAL", message: "m" });
  });

  it("takes anything that can be thrown", () => {
    assert.deepEqual(failureOf("text"), { code: "INTERNAL", message: "text" });
    assert.deepEqual(failureOf(undefined), { code: "INTERNAL", message: "undefined" });
  });
});
