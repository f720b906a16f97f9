import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ConfigProblems } from "../../../../server/model-config/config-problems.ts";
import type { ModelWarmup } from "../../../../server/model-config/model-config.gen.ts";
import { validateWarmup } from "../../../../server/model-config/validate-warmup.ts";

function problemsOf(input: NonNullable<ModelWarmup["inputs"]>[string]): string {
  const problems = new ConfigProblems("m");
  validateWarmup({ model_warmup: [{ name: "s", batch_size: 1, inputs: { x: input } }] }, problems);
  try {
    problems.throwIfAny();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return "";
}

describe("validateWarmup", () => {
  const good = { data_type: "TYPE_FP32", dims: [4] } as const;

  it("takes inputs with a type, a shape and a source", () => {
    assert.equal(problemsOf({ ...good, dims: [...good.dims], zero_data: true }), "");
    assert.equal(problemsOf({ data_type: "TYPE_STRING", dims: [], random_data: true }), "");
    assert.equal(problemsOf({ data_type: "TYPE_INT8", dims: [1], input_data_file: "f" }), "");
  });

  it("refuses inputs without one of them", () => {
    assert.match(
      problemsOf({ dims: [4], zero_data: true }),
      /"model_warmup\[0\].inputs.x.data_type" must be given/,
    );
    assert.match(
      problemsOf({ ...good, dims: [4, -1], zero_data: true }),
      /a size for each dimension, got \[4,-1\]/,
    );
    for (const source of [{}, { zero_data: false }, { random_data: false }, { input_data_file: "" }]) {
      assert.match(
        problemsOf({ ...good, dims: [4], ...source }),
        /must have one of zero_data: true, random_data: true/,
      );
    }
  });
});
