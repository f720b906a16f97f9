import assert from "node:assert/strict";
import { STATUS_CODES } from "node:http";
import { describe, it } from "mocha";
import { httpStatusLine } from "../../../../server/http/http-status.ts";

describe("httpStatusLine", () => {
  it("maps Triton's error classes as its HTTP front end does", () => {
    const numbers = Object.entries(httpStatusLine).map(([code, line]) => [code, Number.parseInt(line, 10)]);
    assert.deepEqual(Object.fromEntries(numbers), {
      UNKNOWN: 400,
      INTERNAL: 500,
      NOT_FOUND: 404,
      INVALID_ARG: 400,
      UNAVAILABLE: 503,
      UNSUPPORTED: 501,
      ALREADY_EXISTS: 400,
      CANCELLED: 400,
    });
  });

  it("has the standard's reason phrases", () => {
    for (const line of Object.values(httpStatusLine)) {
      const [number = "", ...phrase] = line.split(" ");
      assert.equal(phrase.join(" "), STATUS_CODES[number]);
    }
  });
});
