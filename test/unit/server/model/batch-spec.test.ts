import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { batchSpecOf } from "../../../../server/model/batch-spec.ts";
import { makeInput, makeModelConfig, makeOutput } from "../../../helpers/model-config.ts";

describe("batchSpecOf", () => {
  it("says how each tensor of a batch is made up, generated inputs last", () => {
    const spec = batchSpecOf(
      makeModelConfig({
        input: [makeInput("a"), makeInput("b", { dims: [-1], allowRaggedBatch: true })],
        output: [makeOutput("y"), makeOutput("z", { dims: [-1] })],
        batchInput: [
          {
            kind: "BATCH_ELEMENT_COUNT",
            targetName: ["c", "d"],
            datatype: "INT32",
            sourceInput: "b",
          },
        ],
        batchOutput: [{ targetName: ["z"], sourceInput: "b" }],
      }),
    );
    const generated = { kind: "generated", what: "BATCH_ELEMENT_COUNT", source: 1 };
    assert.deepEqual(
      spec.inputs.map(({ name, datatype, join }) => [name, datatype, join]),
      [
        ["a", "FP32", { kind: "rows" }],
        ["b", "FP32", { kind: "flat" }],
        ["c", "INT32", generated],
        ["d", "INT32", generated],
      ],
    );
    assert.deepEqual(
      spec.outputs.map(({ name, join }) => [name, join]),
      [
        ["y", { kind: "rows" }],
        ["z", { kind: "scattered", source: 1 }],
      ],
    );
  });

  it("shows both sides of a reshape", () => {
    const input = [makeInput("a", { dims: [1], reshape: [] })];
    const [spec] = batchSpecOf(makeModelConfig({ input })).inputs;
    assert.deepEqual([spec?.dims, spec?.wireDims], [[], [1]]);
  });
});
