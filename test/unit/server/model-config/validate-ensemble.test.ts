import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { StatusError } from "../../../../server/core/status.ts";
import { draftModelConfig } from "../../../../server/model-config/complete-config.ts";
import { renderModelConfig } from "../../../../server/model-config/render-config.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";

const tensor = { name: "A", data_type: "TYPE_FP32", dims: [4] };
const step = { model_name: "m", input_map: { X: "A" }, output_map: { Y: "B" } };
const ensemble = {
  platform: "ensemble",
  input: [tensor],
  output: [{ ...tensor, name: "B" }],
  ensemble_scheduling: { step: [step] },
};

function draft(config: object) {
  return draftModelConfig({
    document: parseModelConfig(JSON.stringify(config), "r/e/config.json"),
    modelName: "e",
    versionDirectoryEntries: [],
    isAutoCompleteEnabled: true,
    backends: [],
  }).config;
}

function problemsOf(config: object): string {
  try {
    draft(config);
  } catch (error) {
    assert.ok(error instanceof StatusError);
    return error.message;
  }
  return "";
}

describe("validateEnsemble", () => {
  it("accepts an ensemble, whose config can be written and read again", () => {
    const config = draft(ensemble);
    assert.deepEqual(config.ensembleScheduling, {
      steps: [
        {
          modelName: "m",
          modelVersion: -1,
          inputMap: new Map([["X", "A"]]),
          outputMap: new Map([["Y", "B"]]),
        },
      ],
      maxInflightRequests: 0,
    });
    assert.deepEqual(config.instanceGroup, []);
    // What an ensemble may not even mention is printed with its defaults, as Triton prints it.
    const printed = Object.entries(renderModelConfig(config)).filter(
      ([field]) => field !== "instance_group" && field !== "optimization",
    );
    assert.deepEqual(draft(Object.fromEntries(printed)).ensembleScheduling, config.ensembleScheduling);
  });

  const refused: readonly (readonly [object, RegExp])[] = [
    [{ instance_group: [{ count: 1 }] }, /"instance_group" must not be specified for an ensemble/],
    [{ optimization: { graph: { level: 1 } } }, /"optimization" must not be specified for an ensemble/],
    [{ default_model_filename: "model.onnx" }, /"default_model_filename" must not be specified/],
    [{ input: [] }, /"input" of an ensemble must list its inputs/],
    [{ output: [] }, /"output" of an ensemble must list its outputs/],
    [{ ensemble_scheduling: {} }, /"ensemble_scheduling.step" must have at least one step/],
    [
      { ensemble_scheduling: { step: [{ ...step, model_name: "" }] } },
      /"ensemble_scheduling.step\[0\].model_name" must name a model/,
    ],
    [
      { ensemble_scheduling: { step: [{ ...step, model_name: "e" }] } },
      /an ensemble cannot be a step of itself, got 'e'/,
    ],
    [
      { ensemble_scheduling: { step: [{ ...step, input_map: {} }] } },
      /step\[0\].input_map" must map at least one input/,
    ],
    [
      { ensemble_scheduling: { step: [{ model_name: "m", input_map: { X: "A" } }] } },
      /step\[0\].output_map" must map at least one output/,
    ],
  ];
  for (const [change, problem] of refused) {
    it(`refuses ${JSON.stringify(change)} (row 111)`, () => {
      assert.match(problemsOf({ ...ensemble, ...change }), problem);
    });
  }

  for (const [value, problem] of [
    [-5, /max_inflight_requests/],
    ["x", /max_inflight_requests/],
    [12_345_678_901, /max_inflight_requests/],
  ] as const) {
    it(`refuses max_inflight_requests ${value} (row 113)`, () => {
      const config = { ...ensemble, ensemble_scheduling: { step: [step], max_inflight_requests: value } };
      assert.match(problemsOf(config), problem);
    });
  }
});
