import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { batchSpecOf } from "../../../../server/model/batch-spec.ts";
import {
  makeDynamicBatching,
  makeInput,
  makeModelConfig,
  makeOutput,
  makeSequenceBatching,
} from "../../../helpers/model-config.ts";
import { makePaddingRule } from "../../../helpers/padded-requests.ts";

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

  it("says what is padded, masked and cut back", () => {
    const { inputs, outputs } = batchSpecOf(
      makeModelConfig({
        input: [
          makeInput("a"),
          makeInput("b", { dims: [-1], datatype: "INT16" }),
          makeInput("c", { dims: [2, -1] }),
        ],
        output: [makeOutput("y"), makeOutput("z", { dims: [-1, -1] })],
        dynamicBatching: makeDynamicBatching({
          pad: [
            makePaddingRule({
              input: "b",
              value: -2,
              multipleOf: 8,
              mask: { name: "m", datatype: "FP32" },
              outputs: new Map([["z", 2]]),
            }),
            makePaddingRule({ input: "c", axis: 2, outputs: new Map([["z", 1]]) }),
          ],
        }),
      }),
    );
    assert.deepEqual(
      inputs.map(({ name, join }) => [name, join]),
      [
        ["a", { kind: "rows" }],
        ["b", { kind: "padded", axis: 1, multipleOf: 8, padElement: Uint8Array.of(0xfe, 0xff) }],
        ["c", { kind: "padded", axis: 2, multipleOf: 1, padElement: new Uint8Array(4) }],
        ["m", { kind: "mask", source: 1, oneElement: Uint8Array.of(0, 0, 0x80, 0x3f) }],
      ],
    );
    const mask = inputs[3];
    assert.deepEqual([mask?.datatype, mask?.dims, mask?.isOptional], ["FP32", [-1], false]);
    assert.deepEqual(
      outputs.map(({ name, join }) => [name, join]),
      [
        ["y", { kind: "rows" }],
        [
          "z",
          {
            kind: "trimmed",
            cuts: [
              { axis: 2, source: 1 },
              { axis: 1, source: 2 },
            ],
          },
        ],
      ],
    );
  });

  it("adds controls behind the inputs, and keeps states apart", () => {
    const controlInput = [
      { name: "END", kind: "CONTROL_SEQUENCE_END", datatype: "INT32", falseTrue: [0, 1] },
      { name: "ID", kind: "CONTROL_SEQUENCE_CORRID", datatype: "BYTES", falseTrue: null },
    ] as const;
    const common = { datatype: "FP32", dims: [-1, 3], isSameBufferAsked: false } as const;
    const state = [
      { ...common, inputName: "i", outputName: "o", initialState: null },
      {
        ...common,
        inputName: "j",
        outputName: "p",
        initialState: { name: "n", dims: [2, 3], dataFile: "f" },
      },
    ];
    const config = makeModelConfig({ sequenceBatching: makeSequenceBatching({ controlInput, state }) });
    const data = new Uint8Array(24);
    const { inputs, outputs, states } = batchSpecOf(config, new Map([["j", data]]));
    assert.deepEqual(
      inputs.map(({ name, datatype, dims, join }) => [name, datatype, dims, join]),
      [
        ["INPUT0", "FP32", [4], { kind: "rows" }],
        ["END", "INT32", [1], { kind: "control", control: "CONTROL_SEQUENCE_END", falseTrue: [0, 1] }],
        ["ID", "BYTES", [1], { kind: "control", control: "CONTROL_SEQUENCE_CORRID", falseTrue: null }],
      ],
    );
    assert.deepEqual(
      outputs.map(({ name }) => name),
      ["OUTPUT0"],
    );
    assert.deepEqual(
      states.map(({ inputName, initialDims, initialData }) => [inputName, initialDims, initialData]),
      [
        ["i", [1, 3], null],
        ["j", [2, 3], data],
      ],
    );
  });

  it("shows both sides of a reshape", () => {
    const input = [makeInput("a", { dims: [1], reshape: [] })];
    const [spec] = batchSpecOf(makeModelConfig({ input })).inputs;
    assert.deepEqual([spec?.dims, spec?.wireDims], [[], [1]]);
  });
});
