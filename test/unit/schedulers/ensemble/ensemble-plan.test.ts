import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { EnsembleSketch } from "../../../../schedulers/ensemble/composing-model.ts";
import { type EnsemblePlan, planEnsemble } from "../../../../schedulers/ensemble/ensemble-plan.ts";
import {
  type ComposingModelSketch,
  composingTensors,
  ManualComposingModel,
  type ShapesByName,
} from "../../../helpers/manual-composing-model.ts";

type Step = readonly [model: string, inputs: Record<string, string>, outputs: Record<string, string>];

interface Ensemble {
  readonly inputs: ShapesByName;
  readonly outputs: ShapesByName;
  readonly maxBatchSize?: number;
  readonly models: Readonly<Record<string, ComposingModelSketch>>;
  readonly steps: readonly Step[];
}

function plan(ensemble: Ensemble): { plan: EnsemblePlan; problems: string[] } {
  const maxBatchSize = ensemble.maxBatchSize ?? 0;
  const models = new Map(
    Object.entries(ensemble.models).map(([name, sketch]) => [name, new ManualComposingModel(name, sketch)]),
  );
  const sketch: EnsembleSketch = {
    name: "e",
    maxBatchSize,
    inputs: composingTensors(ensemble.inputs, maxBatchSize),
    outputs: composingTensors(ensemble.outputs, maxBatchSize),
    steps: ensemble.steps.map(([modelName, inputs, outputs]) => ({
      modelName,
      modelVersion: -1,
      inputMap: new Map(Object.entries(inputs)),
      outputMap: new Map(Object.entries(outputs)),
    })),
  };
  const problems: string[] = [];
  const inOrder = ensemble.steps.map(([name]) => {
    const model = models.get(name);
    if (model === undefined) throw new Error(`no model ${name}`);
    return model;
  });
  return { plan: planEnsemble(sketch, inOrder, problems), problems };
}

const unary: ComposingModelSketch = { inputs: { X: [4] }, outputs: { Y: [4] } };
const chain: Ensemble = {
  inputs: { IN: [4] },
  outputs: { OUT: [4] },
  models: { a: unary, b: unary },
  steps: [
    ["b", { X: "mid" }, { Y: "OUT" }],
    ["a", { X: "IN" }, { Y: "mid" }],
  ],
};

describe("planEnsemble", () => {
  it("joins steps by tensor name, in whatever order they are written", () => {
    const { plan: made, problems } = plan(chain);
    assert.deepEqual(problems, []);
    assert.equal(made.isDecoupled, false);
    assert.deepEqual(
      made.tensors.map(({ name, producer }) => [name, producer]),
      [
        ["IN", -1],
        ["OUT", 0],
        ["mid", 1],
      ],
    );
    assert.deepEqual(made.levels, [{ parent: -1, depth: 0 }]);
  });

  const refused: readonly (readonly [what: string, change: Partial<Ensemble>, problem: RegExp])[] = [
    [
      "a tensor that nobody gives",
      { steps: [["a", { X: "nowhere" }, { Y: "OUT" }]] },
      /input 'X' of step 0 \(model 'a'\) is mapped to tensor 'nowhere', which is neither an input of the ensemble nor/,
    ],
    [
      "an output that no step gives",
      { steps: [["a", { X: "IN" }, { Y: "other" }]] },
      /output 'OUT' of the ensemble is mapped to tensor 'OUT', which is neither/,
    ],
    [
      "a tensor that is given twice",
      {
        steps: [
          ["a", { X: "IN" }, { Y: "OUT" }],
          ["b", { X: "IN" }, { Y: "OUT" }],
        ],
      },
      /tensor 'OUT' is given twice: as output of step 0 \(model 'a'\) and as output of step 1 \(model 'b'\)/,
    ],
    [
      "a tensor that nobody takes",
      {
        steps: [
          ["a", { X: "IN" }, { Y: "OUT" }],
          ["b", { X: "IN" }, { Y: "spare" }],
        ],
      },
      /^ensemble tensor 'spare' is unused in ensemble$/,
    ],
    [
      "an input that no step takes",
      { inputs: { IN: [4], MORE: [1] } },
      /^ensemble input 'MORE' is unused in ensemble$/,
    ],
    [
      "an input that the model does not have",
      { steps: [["a", { Z: "IN" }, { Y: "OUT" }]] },
      /step 0 \(model 'a'\): "input_map" names input 'Z', but the model has 'X'/,
    ],
    [
      "an output that the model does not have",
      { steps: [["a", { X: "IN" }, { Z: "OUT" }]] },
      /"output_map" names output 'Z', but the model has 'Y'/,
    ],
    [
      "a required input of a model that is not mapped",
      { models: { a: { inputs: { X: [4], W: [1] }, outputs: { Y: [4] } }, b: unary } },
      /step 1 \(model 'a'\): "input_map" lacks the model's input 'W'/,
    ],
    [
      "types that differ",
      { models: { a: unary, b: { ...unary, datatype: "INT32" } } },
      /tensor '(mid|OUT)': inconsistent data type: 'Y' of '[ab]' is/,
    ],
    [
      "shapes that differ",
      { models: { a: { inputs: { X: [4] }, outputs: { Y: [5] } }, b: unary } },
      /tensor 'mid': inconsistent shape: 'Y' of 'a' has \[5\], but 'X' of 'b' has \[4\]/,
    ],
    [
      "a batch size that a step does not allow",
      { maxBatchSize: 8, models: { a: { ...unary, maxBatchSize: 4 }, b: { ...unary, maxBatchSize: 8 } } },
      /step 1 \(model 'a'\) allows a maximum batch size of 4, which is less than the ensemble's "max_batch_size" 8/,
    ],
    [
      "a cycle",
      {
        models: { a: { inputs: { X: [4], W: [4] }, outputs: { Y: [4] } }, b: unary },
        steps: [
          ["a", { X: "IN", W: "OUT" }, { Y: "mid" }],
          ["b", { X: "mid" }, { Y: "OUT" }],
        ],
      },
      /the steps form a cycle, so that none of them can begin: step 0 \(model 'a'\), step 1 \(model 'b'\)/,
    ],
  ];
  for (const [what, change, problem] of refused) {
    it(`refuses ${what} (row 111)`, () => {
      const { problems } = plan({ ...chain, ...change });
      assert.ok(
        problems.some((text) => problem.test(text)),
        problems.join("\n"),
      );
    });
  }

  it("accepts variable dimensions on either side, and a batch dimension that a model spells out", () => {
    const variable = { inputs: { X: [-1] }, outputs: { Y: [-1] } };
    assert.deepEqual(plan({ ...chain, models: { a: variable, b: unary } }).problems, []);
    const spelledOut = { inputs: { X: [-1, 4] }, outputs: { Y: [-1, 4] } };
    const batching = { ...unary, maxBatchSize: 8 };
    assert.deepEqual(
      plan({ ...chain, maxBatchSize: 8, models: { a: spelledOut, b: batching } }).problems,
      [],
    );
  });

  it("leaves an optional input out", () => {
    const optional = { inputs: { X: [4], W: [1] }, outputs: { Y: [4] }, optional: ["W"] };
    assert.deepEqual(plan({ ...chain, models: { a: optional, b: unary } }).problems, []);
  });

  it("opens a level for each decoupled step", () => {
    const { plan: made, problems } = plan({
      ...chain,
      models: { a: { ...unary, isDecoupled: true }, b: unary },
    });
    assert.deepEqual(problems, []);
    assert.equal(made.isDecoupled, true);
    assert.deepEqual(made.levels, [
      { parent: -1, depth: 0 },
      { parent: 0, depth: 1 },
    ]);
    assert.deepEqual(
      made.steps.map(({ modelName, level, outputLevel }) => [modelName, level, outputLevel]),
      [
        ["b", 1, 1],
        ["a", 0, 1],
      ],
    );
  });

  it("refuses to join responses of different decoupled models, in a step and in the response", () => {
    const decoupled = { ...unary, isDecoupled: true };
    const join = { inputs: { P: [4], Q: [4] }, outputs: { Y: [4] } };
    const two: Ensemble = {
      inputs: { IN: [4] },
      outputs: { OUT: [4] },
      models: { a: decoupled, b: decoupled, join },
      steps: [
        ["a", { X: "IN" }, { Y: "p" }],
        ["b", { X: "IN" }, { Y: "q" }],
        ["join", { P: "p", Q: "q" }, { Y: "OUT" }],
      ],
    };
    assert.match(
      plan(two).problems.join(),
      /step 2 \(model 'join'\) joins responses of different decoupled models/,
    );
    const both = { ...two, outputs: { p: [4], q: [4] }, steps: two.steps.slice(0, 2) };
    assert.match(
      plan(both).problems.join(),
      /outputs 'p' and 'q' of the ensemble come from different decoupled models/,
    );
  });
});
