import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { completeModelConfig, draftModelConfig } from "../../../../server/model-config/complete-config.ts";
import type { ModelConfig } from "../../../../server/model-config/model-config.ts";
import type { SignatureTensor } from "../../../../server/model-config/model-signature.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";
import { renderModelConfig } from "../../../../server/model-config/render-config.ts";

const tensor = (name: string, shape: number[], datatype: "FP32" | "INT32" = "FP32"): SignatureTensor => ({
  name,
  datatype,
  modelType: datatype,
  shape,
});

/** A model with one input of clients', a control and a state. */
const signature = {
  inputs: [tensor("x", [-1, 4]), tensor("START", [-1, 1], "INT32"), tensor("h_in", [-1, 8])],
  outputs: [tensor("y", [-1, 2]), tensor("h_out", [-1, 8])],
};

const batching = {
  control_input: [{ name: "START", control: [{ kind: "CONTROL_SEQUENCE_START", int32_false_true: [0, 1] }] }],
  state: [{ input_name: "h_in", output_name: "h_out", data_type: "TYPE_FP32", dims: [8] }],
};

function complete(config: object, of = signature): ModelConfig {
  const draft = draftModelConfig({
    document: parseModelConfig(JSON.stringify(config), "f"),
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
  return completeModelConfig(draft, { signature: of, completion: null }, 4).config;
}

function errorOf(config: object, of = signature): string {
  try {
    complete(config, of);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
  assert.fail("nothing was refused");
}

describe("completeModelConfig of sequence models", () => {
  it("reads inputs and outputs from the model without controls and states, and adds no dynamic batching", () => {
    const config = complete({ sequence_batching: batching });
    assert.deepEqual(
      [config.input, config.output].map((tensors) => tensors.map(({ name }) => name)),
      [["x"], ["y"]],
    );
    assert.equal(config.dynamicBatching, null);
    assert.deepEqual(config.sequenceBatching?.strategy, {
      kind: "direct",
      maxQueueDelayUs: 0,
      minimumSlotUtilization: 0,
    });
    assert.equal(config.sequenceBatching.maxSequenceIdleUs, 1_000_000);
  });

  it("names controls and states that the model lacks or has otherwise (row 118)", () => {
    const inputs = [tensor("x", [-1, 4])];
    assert.match(
      errorOf({ sequence_batching: batching }, { inputs, outputs: [tensor("y", [-1, 2])] }),
      /the model has no input 'START' for a control of "sequence_batching", its inputs are: x\n.*no input 'h_in' for a state.*\n.*no output 'h_out' for a state/,
    );
    const other = {
      inputs: [tensor("x", [-1, 4]), tensor("START", [-1, 2]), tensor("h_in", [-1, 9])],
      outputs: signature.outputs,
    };
    const message = errorOf({ sequence_batching: batching }, other);
    assert.match(message, /'START': configuration expects datatype TYPE_INT32, model provides TYPE_FP32/);
    assert.match(message, /'START': the model expects 2 dimensions \(shape \[-1,2\]\).*\[-1,1\]/);
    assert.match(message, /'h_in'.*\[-1,9\]/);
  });

  it("counts controls and states among the inputs", () => {
    const { state } = batching;
    assert.match(
      errorOf({
        max_batch_size: 4,
        sequence_batching: { state },
        input: [{ name: "x", data_type: "TYPE_FP32", dims: [4] }],
        output: [{ name: "y", data_type: "TYPE_FP32", dims: [2] }],
      }),
      /configuration expects 2 inputs, model provides 3; missing in the configuration: 'START'/,
    );
  });

  it("lets clients see a state that is listed as an output too", () => {
    const output = [
      { name: "y", data_type: "TYPE_FP32", dims: [2] },
      { name: "h_out", data_type: "TYPE_FP32", dims: [8] },
    ];
    const config = complete({ max_batch_size: 4, sequence_batching: batching, output });
    assert.deepEqual(
      config.output.map(({ name }) => name),
      ["y", "h_out"],
    );
  });

  it("is printed so that it reads back the same", () => {
    const full = {
      max_sequence_idle_microseconds: 5,
      control_input: [
        ...batching.control_input,
        { name: "R", control: [{ kind: "CONTROL_SEQUENCE_READY", fp32_false_true: [0, 0.5] }] },
        { name: "E", control: [{ kind: "CONTROL_SEQUENCE_END", bool_false_true: [false, true] }] },
        { name: "ID", control: [{ kind: "CONTROL_SEQUENCE_CORRID", data_type: "TYPE_STRING" }] },
      ],
      oldest: { max_candidate_sequences: 9, preferred_batch_size: [2], preserve_ordering: true },
      state: [
        {
          ...batching.state[0],
          initial_state: [{ name: "f", data_type: "TYPE_FP32", dims: [8], data_file: "first" }],
          use_same_buffer_for_input_output: true,
        },
      ],
    };
    const wide = {
      inputs: [
        ...signature.inputs,
        tensor("R", [-1, 1]),
        { name: "E", datatype: "BOOL" as const, modelType: "bool", shape: [-1, 1] },
        { name: "ID", datatype: "BYTES" as const, modelType: "string", shape: [-1, 1] },
      ],
      outputs: signature.outputs,
    };
    for (const sequence_batching of [
      full,
      { ...full, oldest: undefined, direct: { minimum_slot_utilization: 0.5 } },
    ]) {
      const config = complete({ max_batch_size: 4, sequence_batching }, wide);
      const printed = renderModelConfig(config);
      const { input, output, max_batch_size, sequence_batching: rules } = printed;
      const again = complete({ input, output, max_batch_size, sequence_batching: rules }, wide);
      assert.deepEqual(again.sequenceBatching, config.sequenceBatching);
      assert.deepEqual(renderModelConfig(again), printed);
    }
  });
});
