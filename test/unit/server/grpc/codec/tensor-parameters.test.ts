import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { InferenceRequest } from "../../../../../server/core/inference-request.ts";
import { InferRequestMessage } from "../../../../../server/grpc/codec/infer-request.ts";
import { RecordingSink } from "../../../../helpers/recorded-request.ts";
import { encodeMessage } from "../wire.ts";

function messageOf(message: object): InferRequestMessage {
  return new InferRequestMessage(encodeMessage("ModelInferRequest", message));
}

function read(message: object): InferenceRequest {
  return messageOf(message).toInferenceRequest(new RecordingSink());
}

describe("TensorParameters", () => {
  const region = { string_param: "r" };
  const size = { int64_param: 4 };
  const tensor = { name: "A", datatype: "FP32", shape: [1] };

  it("TensorParameters gives the places of tensors in shared memory", () => {
    const whole = {
      shared_memory_region: region,
      shared_memory_byte_size: size,
      shared_memory_offset: { int64_param: "9007199254740993" },
    };
    const message = messageOf({
      inputs: [
        { ...tensor, parameters: whole },
        { ...tensor, name: "B" },
      ],
      outputs: [
        { name: "C", parameters: { shared_memory_region: region, shared_memory_byte_size: size } },
        { name: "D" },
      ],
      raw_input_contents: [Buffer.alloc(4, 1)],
    });
    assert.equal(message.sharedMemory, null);
    const request = message.toInferenceRequest(new RecordingSink());
    assert.deepEqual(message.sharedMemory, {
      inputs: [{ region: "r", offset: 9007199254740993n, byteSize: 4 }, null],
      outputs: new Map([["C", { region: "r", offset: 0, byteSize: 4 }]]),
    });
    // The raw entry belongs to the only input that is not in shared memory.
    assert.deepEqual(
      request.inputs.map(({ data }) => data.byteLength),
      [0, 4],
    );
  });

  it("TensorParameters leaves a request without shared memory without places", () => {
    const message = messageOf({ inputs: [tensor], raw_input_contents: [Buffer.alloc(4)] });
    message.toInferenceRequest(new RecordingSink());
    assert.equal(message.sharedMemory, null);
  });

  for (const [what, parameters, fragment] of [
    [
      "a region without its size",
      { shared_memory_region: region },
      /needs "shared_memory_byte_size" as well/,
    ],
    ["a size without a region", { shared_memory_byte_size: size }, /need "shared_memory_region" as well/],
    ["an offset without a region", { shared_memory_offset: size }, /need "shared_memory_region" as well/],
    [
      "a region that is no text",
      { shared_memory_region: size },
      /"shared_memory_region" of .* must be a string_param/,
    ],
    [
      "a negative size",
      { shared_memory_region: region, shared_memory_byte_size: { int64_param: -1 } },
      /"shared_memory_byte_size" of .* must be an int64_param of 0 or more/,
    ],
    [
      "an offset of another type",
      {
        shared_memory_region: region,
        shared_memory_byte_size: size,
        shared_memory_offset: { uint64_param: 1 },
      },
      /"shared_memory_offset" of .* must be an int64_param of 0 or more/,
    ],
  ] as const) {
    it(`TensorParameters refuses ${what}`, () => {
      for (const message of [
        { inputs: [{ ...tensor, parameters }] },
        { outputs: [{ name: "A", parameters }] },
      ]) {
        assert.throws(() => read(message), { code: "INVALID_ARG", message: fragment });
      }
    });
  }

  it("TensorParameters refuses classes in shared memory", () => {
    const parameters = {
      shared_memory_region: region,
      shared_memory_byte_size: size,
      classification: { int64_param: 1 },
    };
    assert.throws(() => read({ outputs: [{ name: "A", parameters }] }), {
      code: "INVALID_ARG",
      message: /^output "A" can not have both "classification" and "shared_memory_region"/,
    });
  });

  it("TensorParameters refuses contents beside shared memory", () => {
    const parameters = { shared_memory_region: region, shared_memory_byte_size: size };
    const contents = { fp32_contents: [1] };
    assert.throws(() => read({ inputs: [{ ...tensor, parameters, contents }] }), {
      code: "INVALID_ARG",
      message: /^Contents field must not be specified when using shared memory for input tensor 'A'/,
    });
  });

  it("TensorParameters reads how many classes of an output are wanted", () => {
    const parameters = { classification: { int64_param: 3 } };
    const request = read({ outputs: [{ name: "A", parameters }, { name: "B" }] });
    assert.deepEqual([...(request.classifications ?? [])], [["A", 3]]);
    assert.equal(read({ outputs: [{ name: "A" }] }).classifications, null);
  });

  for (const classification of [
    { int64_param: 0 },
    { int64_param: -1 },
    { string_param: "3" },
    { uint64_param: 3 },
  ]) {
    it(`TensorParameters refuses the classification ${JSON.stringify(classification)}`, () => {
      assert.throws(() => read({ outputs: [{ name: "A", parameters: { classification } }] }), {
        code: "INVALID_ARG",
        message: /^Parameter "classification" of output "A" must be an int64_param greater than 0/,
      });
    });
  }

  it("TensorParameters passes over names without a meaning", () => {
    const parameters = { binary_data: { bool_param: true }, content_type: { string_param: "raw" } };
    const input = { name: "A", datatype: "FP32", shape: [1], parameters };
    const request = read({
      inputs: [input],
      outputs: [{ name: "B", parameters }],
      raw_input_contents: [Buffer.alloc(4)],
    });
    assert.deepEqual([request.inputs[0]!.name, request.requestedOutputs], ["A", ["B"]]);
  });
});
