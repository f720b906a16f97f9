import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { draftModelConfig } from "../../../../server/model-config/complete-config.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";

/** What is wrong with a config that batches up to 4 rows and has these rules for sequences. */
function problemsOf(sequence_batching: object, more: object = {}): string[] {
  try {
    draftModelConfig({
      document: parseModelConfig(JSON.stringify({ max_batch_size: 4, ...more, sequence_batching }), "f"),
      modelName: "m",
      versionDirectoryEntries: ["model.onnx"],
      isAutoCompleteEnabled: true,
      backends: [
        {
          name: "onnxruntime",
          platforms: ["onnxruntime_onnx"],
          defaultModelFilename: "model.onnx",
          defaultCpuInstanceCount: 2,
          executionStyle: "batch",
        },
      ],
    });
    return [];
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message.split("\n").map((line) => line.replace(/^f: /, ""));
  }
}

const path = "sequence_batching";
const start = { kind: "CONTROL_SEQUENCE_START", int32_false_true: [0, 1] };
const corrid = { kind: "CONTROL_SEQUENCE_CORRID", data_type: "TYPE_UINT64" };
const controls = (...list: object[]): object => ({
  control_input: list.map((control, i) => ({ name: `C${i}`, control: [control] })),
});
const state = { input_name: "si", output_name: "so", data_type: "TYPE_FP32", dims: [2, -1] };
const states = (...list: object[]): object => ({ state: list.map((one) => ({ ...state, ...one })) });
const initial = (fields: object): object =>
  states({
    initial_state: [{ name: "zero", data_type: "TYPE_FP32", dims: [2, 3], zero_data: true, ...fields }],
  });

describe("validateControlInputs", () => {
  it("accepts each kind in each of its types", () => {
    const flags = [
      { int32_false_true: [0, 1] },
      { fp32_false_true: [0, 0.5] },
      { bool_false_true: [true, false] },
    ];
    for (const kind of ["START", "READY", "END"]) {
      for (const values of flags) {
        assert.deepEqual(problemsOf(controls({ kind: `CONTROL_SEQUENCE_${kind}`, ...values })), []);
      }
    }
    for (const type of ["UINT64", "INT64", "UINT32", "INT32", "STRING"]) {
      assert.deepEqual(problemsOf(controls({ ...corrid, data_type: `TYPE_${type}` })), []);
    }
  });

  it("refuses flags without exactly one list of two values", () => {
    const where = `"${path}.control_input[0].control[0]`;
    assert.deepEqual(problemsOf(controls({ kind: "CONTROL_SEQUENCE_END" })), [
      `${where}": control input 'C0' must have exactly one of int32_false_true, fp32_false_true, bool_false_true, got none`,
    ]);
    assert.deepEqual(problemsOf(controls({ ...start, fp32_false_true: [0, 1] })), [
      `${where}": control input 'C0' must have exactly one of int32_false_true, fp32_false_true, bool_false_true, got int32_false_true and fp32_false_true`,
    ]);
    assert.deepEqual(problemsOf(controls({ ...start, int32_false_true: [0, 1, 2] })), [
      `${where}.int32_false_true" must have exactly two values, for false and true, got 3`,
    ]);
    assert.deepEqual(problemsOf(controls({ ...start, data_type: "TYPE_INT32" })), [
      `${where}.data_type" is for CONTROL_SEQUENCE_CORRID only: control input 'C0' has the type of its values`,
    ]);
  });

  it("refuses an id with values, without a type, or of another type", () => {
    const where = `"${path}.control_input[0].control[0]`;
    assert.deepEqual(problemsOf(controls({ ...corrid, int32_false_true: [0, 1] })), [
      `${where}.int32_false_true": control input 'C0' tells an id, which has no values for false and true`,
    ]);
    for (const data_type of ["TYPE_INVALID", "TYPE_FP32"]) {
      assert.deepEqual(problemsOf(controls({ ...corrid, data_type })), [
        `${where}.data_type": control input 'C0' tells an id, which must be one of TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32, TYPE_STRING, got ${data_type}`,
      ]);
    }
  });

  it("refuses a kind that is told twice, and an input with two meanings or none", () => {
    assert.deepEqual(problemsOf(controls(start, start)), [
      `"${path}.control_input[1].control[0].kind": CONTROL_SEQUENCE_START is told by control input 'C0' already`,
    ]);
    for (const control of [[], [start, corrid]]) {
      assert.deepEqual(problemsOf({ control_input: [{ name: "C", control }] }), [
        `"${path}.control_input[0].control": control input 'C' must have exactly one meaning, got ${control.length}`,
      ]);
    }
  });

  it("refuses what has no name", () => {
    assert.deepEqual(problemsOf({ control_input: [{ control: [start] }] }), [
      `"${path}.control_input[0]" must specify 'name'`,
    ]);
    assert.deepEqual(problemsOf({ state: [{}] }).length, 4);
  });
});

describe("validateSequenceBatching", () => {
  it("refuses preferred sizes beyond the largest batch", () => {
    assert.deepEqual(problemsOf({ oldest: { preferred_batch_size: [4, 5] } }), [
      `"${path}.oldest.preferred_batch_size[1]" must be <= max_batch_size 4, got 5`,
    ]);
  });

  it("refuses a share of slots beyond 0 to 1, two strategies, and two schedulers", () => {
    assert.equal(problemsOf({ direct: { minimum_slot_utilization: 1.5 } }).length, 1);
    assert.equal(problemsOf({ direct: {}, oldest: {} }).length, 1);
    assert.match(problemsOf({}, { dynamic_batching: {} })[0] ?? "", /exclude each other/);
  });

  it("refuses an input with two sources, and an output of two states", () => {
    const input = [{ name: "x", data_type: "TYPE_FP32", dims: [1] }];
    const named = { control_input: [{ name: "x", control: [start] }], ...states({}, { input_name: "x" }) };
    assert.deepEqual(problemsOf(named, { input }), [
      `"${path}.control_input[0].name": 'x' is the name of input[0] too`,
      `"${path}.state[1].input_name": 'x' is the name of input[0] too`,
      `"${path}.state[1].output_name": 'so' is the output of ${path}.state[0] too`,
    ]);
  });

  it("refuses states in iterative sequences", () => {
    assert.deepEqual(problemsOf({ iterative_sequence: true }), []);
    assert.deepEqual(problemsOf({ iterative_sequence: true, ...states({}) }), [
      `"${path}.iterative_sequence" cannot be combined with "${path}.state": models that ask for another run of a request keep what they remember themselves`,
    ]);
  });

  it("refuses a state that clients would see in another type", () => {
    const output = [{ name: "so", data_type: "TYPE_INT32", dims: [2, -1] }];
    assert.deepEqual(problemsOf(states({}), { output }), [
      `"${path}.state[0].data_type": state 'si' is FP32, but its output 'so' is INT32`,
    ]);
  });
});

describe("validateInitialStates", () => {
  const where = `"${path}.state[0].initial_state`;

  it("accepts zeros and files of the state's type and shape", () => {
    assert.deepEqual(problemsOf(initial({})), []);
    assert.deepEqual(problemsOf(initial({ zero_data: undefined, data_file: "first" })), []);
  });

  it("refuses another type, another shape, variable dimensions", () => {
    assert.deepEqual(problemsOf(initial({ data_type: "TYPE_INT32" })), [
      `${where}[0].data_type" must be TYPE_FP32 as that of the state 'si', got TYPE_INT32`,
    ]);
    for (const dims of [[2], [3, 3]]) {
      assert.deepEqual(problemsOf(initial({ dims })), [
        `${where}[0].dims" [${dims.join(",")}] must fit the dims [2,-1] of the state 'si'`,
      ]);
    }
    assert.deepEqual(problemsOf(initial({ dims: [2, -1] })), [
      `${where}[0].dims" must not have variable dimensions, got [2,-1]`,
    ]);
  });

  it("refuses a first value without data, with two kinds of data, and two first values", () => {
    assert.deepEqual(problemsOf(initial({ zero_data: false })), [
      `${where}[0]" must have zero_data: true, or a data_file`,
    ]);
    assert.equal(problemsOf(initial({ data_file: "f" })).length, 1);
    const one = { name: "a", data_type: "TYPE_FP32", dims: [2, 1], zero_data: true };
    assert.deepEqual(problemsOf(states({ initial_state: [one, one] })), [
      `${where}" must have at most one entry, got 2`,
    ]);
  });
});
