import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseModelVersion } from "../../../../server/grpc/model-version.ts";

describe("parseModelVersion", () => {
  it("parseModelVersion keeps nothing as the latest and a number as it is", () => {
    for (const version of ["", "0", "1", "20260801", "9223372036854775807"]) {
      assert.equal(parseModelVersion(version), version);
    }
  });

  it("parseModelVersion drops leading zeros", () => {
    assert.equal(parseModelVersion("007"), "7");
    assert.equal(parseModelVersion("000"), "0");
  });

  it("parseModelVersion refuses what is no number, is negative or has more than 64 bits", () => {
    for (const version of ["-1", "1abc", "latest", " 1", "1.0", "+1", "1\n", "12345678901234567890"]) {
      const refusal = parseModelVersion(version);
      assert.ok(typeof refusal !== "string", version);
      assert.equal(refusal.code, "INVALID_ARG");
      assert.match(refusal.message, /^Failed to get model version from /);
    }
  });
});
