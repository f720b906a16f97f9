import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { withRequestId } from "../../../../server/core/request-error.ts";
import { failure } from "../../../../server/core/status.ts";

describe("withRequestId", () => {
  it("withRequestId puts the id in front and keeps the code", () => {
    assert.deepEqual(withRequestId("42", failure("INVALID_ARG", "expected 1 inputs")), {
      code: "INVALID_ARG",
      message: "[request id: 42] expected 1 inputs",
    });
  });

  it("withRequestId writes <id_unknown> for a request without an id", () => {
    assert.equal(withRequestId("", failure("INTERNAL", "x")).message, "[request id: <id_unknown>] x");
  });
});
