import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ConfigProblems } from "../../../../server/model-config/config-problems.ts";
import type { ModelConfigFields } from "../../../../server/model-config/model-config.gen.ts";
import { validateResponseCache } from "../../../../server/model-config/validate-response-cache.ts";

function problemsOf(fields: ModelConfigFields): string {
  const problems = new ConfigProblems("m");
  validateResponseCache(fields, problems);
  try {
    problems.throwIfAny();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return "";
}

describe("validateResponseCache", () => {
  const enabled = { response_cache: { enable: true } };

  it("refuses what a response cannot be kept of (row 119)", () => {
    assert.match(
      problemsOf({ ...enabled, sequence_batching: {} }),
      /cannot be combined with "sequence_batching"/,
    );
    assert.match(
      problemsOf({ ...enabled, model_transaction_policy: { decoupled: true } }),
      /cannot be combined with "model_transaction_policy.decoupled"/,
    );
  });

  it("allows everything else", () => {
    assert.equal(problemsOf({ ...enabled, dynamic_batching: {} }), "");
    assert.equal(problemsOf({ ...enabled, model_transaction_policy: { decoupled: false } }), "");
    assert.equal(problemsOf({ response_cache: { enable: false }, sequence_batching: {} }), "");
  });
});
