import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failure, StatusError } from "../../../../server/core/status.ts";

describe("failure", () => {
  it("is a plain value with code and message", () => {
    assert.deepEqual(failure("NOT_FOUND", "Gone"), { code: "NOT_FOUND", message: "Gone" });
  });
});

describe("StatusError", () => {
  it("carries code, message and cause, and is an Error with its own name", () => {
    const cause = new Error("below");
    const error = new StatusError("UNAVAILABLE", "above", { cause });
    assert.ok(error instanceof Error);
    assert.equal(error.name, "StatusError");
    assert.equal(error.cause, cause);
    assert.deepEqual(error.toFailure(), { code: "UNAVAILABLE", message: "above" });
  });

  it("from keeps a StatusError as it is", () => {
    const error = new StatusError("INVALID_ARG", "x");
    assert.equal(StatusError.from(error), error);
  });

  it("from makes INTERNAL of other errors and keeps their text and cause", () => {
    const cause = new RangeError("too far");
    const error = StatusError.from(cause);
    assert.deepEqual(error.toFailure(), { code: "INTERNAL", message: "too far" });
    assert.equal(error.cause, cause);
  });

  it("from makes INTERNAL of what is no error at all", () => {
    assert.deepEqual(StatusError.from("text").toFailure(), { code: "INTERNAL", message: "text" });
    assert.equal(StatusError.from(undefined).message, "undefined");
  });
});
