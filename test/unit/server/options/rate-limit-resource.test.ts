import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ValueProblem } from "../../../../server/options/option-value.ts";
import { parseOptions } from "../../../../server/options/parse-options.ts";
import { parseRateLimitResource } from "../../../../server/options/rate-limit-resource.ts";

function refuse(text: string): string {
  const result = parseRateLimitResource(text);
  assert(result instanceof ValueProblem, JSON.stringify(result));
  return result.message;
}

describe("parseRateLimitResource", () => {
  it("reads a count, for all devices or for one", () => {
    assert.deepEqual(parseRateLimitResource("R:3"), { name: "R", count: 3, deviceId: null });
    assert.deepEqual(parseRateLimitResource("R1:0:2"), { name: "R1", count: 0, deviceId: 2 });
  });

  it("refuses what is malformed (row 182)", () => {
    for (const text of ["", "R", "R:", ":3", "R:3:", "R:3:1:2"]) {
      assert.equal(refuse(text), `expects <name>:<count>[:<device>], got ${JSON.stringify(text)}`);
    }
    assert.equal(refuse("R:-1"), `expects an integer from 0 to 4294967295 as the count of "R", got "-1"`);
    assert.equal(refuse("R:1:x"), `expects an integer from 0 to 2147483647 as the device of "R", got "x"`);
  });

  it("warns that a limit has no effect when rates are not limited", () => {
    const result = parseOptions(["--model-repository=m", "--rate-limit-resource=R:3"], {});
    assert(result.kind === "serve");
    assert.deepEqual(result.warnings, ["--rate-limit-resource has no effect: --rate-limit is off"]);
  });
});
