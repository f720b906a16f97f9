import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { InferenceRequest } from "../../../../../server/core/inference-request.ts";
import { StatusError } from "../../../../../server/core/status.ts";
import { InferRequestMessage } from "../../../../../server/grpc/codec/infer-request.ts";
import { RecordingSink } from "../../../../helpers/recorded-request.ts";
import { requestCases, toProtobufObject } from "../infer-request-arbitrary.ts";
import { encodeMessage } from "../wire.ts";

const sink = new RecordingSink();

function read(bytes: Buffer): InferenceRequest {
  return new InferRequestMessage(bytes).toInferenceRequest(sink);
}

function readObject(message: object): InferenceRequest {
  return read(encodeMessage("ModelInferRequest", message));
}

function refused(message: object, code: string, text: RegExp): void {
  assert.throws(
    () => readObject(message),
    (thrown) => {
      assert.ok(thrown instanceof StatusError, String(thrown));
      assert.equal(thrown.code, code);
      assert.match(thrown.message, text);
      return true;
    },
  );
}

const fp32 = { name: "INPUT0", datatype: "FP32", shape: [1] };

describe("InferRequestMessage", () => {
  it("InferRequestMessage reads what protobufjs writes", () => {
    fc.assert(
      fc.property(requestCases, (expected) => {
        const bytes = encodeMessage("ModelInferRequest", toProtobufObject(expected), expected.isPacked);
        const message = new InferRequestMessage(bytes);
        assert.equal(message.modelName, expected.modelName);
        assert.equal(message.modelVersion, expected.modelVersion);
        const request = message.toInferenceRequest(sink);
        assert.equal(request.id, expected.id);
        assert.deepEqual(request.requestedOutputs, expected.outputs);
        const parameters = [...(request.parameters ?? [])];
        assert.equal(parameters.length, expected.parameters.size);
        for (const [key, value] of parameters) {
          const wanted = expected.parameters.get(key);
          assert.ok(
            Object.is(typeof wanted === "bigint" ? BigInt(value) : value, wanted),
            `${key}: ${String(value)}`,
          );
        }
        assert.equal(request.inputs.length, expected.inputs.length);
        for (const [i, input] of request.inputs.entries()) {
          const { name, datatype, shape, data } = expected.inputs[i]!;
          assert.deepEqual([input.name, input.datatype, input.shape], [name, datatype, shape]);
          assert.equal(Buffer.compare(input.data, data), 0, `data of ${datatype}`);
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  it("InferRequestMessage reads or refuses mutated bytes, and never throws anything but a StatusError", () => {
    let refusedCount = 0;
    const mutation = fc.record({
      at: fc.nat(),
      byte: fc.nat(255),
      kind: fc.constantFrom("set", "insert", "cut"),
    });
    fc.assert(
      fc.property(requestCases, fc.array(mutation, { minLength: 1, maxLength: 4 }), (valid, mutations) => {
        let bytes = encodeMessage("ModelInferRequest", toProtobufObject(valid), valid.isPacked);
        for (const { at, byte, kind } of mutations) {
          const index = at % (bytes.length + 1);
          if (kind === "set" && index < bytes.length) bytes[index] = byte;
          else if (kind === "cut") bytes = bytes.subarray(0, index);
          else bytes = Buffer.concat([bytes.subarray(0, index), Buffer.of(byte), bytes.subarray(index)]);
        }
        try {
          read(bytes);
        } catch (thrown) {
          if (!(thrown instanceof StatusError)) throw thrown;
          assert.match(thrown.code, /^(INVALID_ARG|UNSUPPORTED)$/);
          refusedCount++;
        }
      }),
      { seed: 2, numRuns: 3000 },
    );
    assert.ok(refusedCount > 300, `only ${refusedCount} mutants were refused`);
  });

  it("InferRequestMessage reads or refuses random bytes, and never throws anything but a StatusError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          read(Buffer.from(bytes));
        } catch (thrown) {
          if (!(thrown instanceof StatusError)) throw thrown;
        }
      }),
      { seed: 3, numRuns: 5000 },
    );
  });

  it("InferRequestMessage lends views of the message for raw contents", () => {
    const bytes = encodeMessage("ModelInferRequest", {
      inputs: [fp32],
      raw_input_contents: [Buffer.alloc(4, 7)],
    });
    const { data } = read(bytes).inputs[0]!;
    assert.equal(data.buffer, bytes.buffer);
    assert.deepEqual([...data], [7, 7, 7, 7]);
  });

  it("InferRequestMessage lends a view of the message for a packed FP32 list", () => {
    const bytes = encodeMessage("ModelInferRequest", {
      inputs: [{ ...fp32, contents: { fp32_contents: [1, 2] } }],
    });
    const { data } = read(bytes).inputs[0]!;
    assert.equal(data.buffer, bytes.buffer);
    assert.deepEqual([data[2], data[3], data.byteLength], [0x80, 0x3f, 8]);
  });

  it("InferRequestMessage takes fields in any order and joins what comes in parts", () => {
    const parts = [
      { raw_input_contents: [Buffer.of(1)] },
      { inputs: [{ ...fp32, name: "A" }], model_name: "old" },
      { raw_input_contents: [Buffer.of(2)], outputs: [{ name: "X" }] },
      { inputs: [{ ...fp32, name: "B" }], model_name: "new", outputs: [{ name: "Y" }] },
    ];
    const bytes = Buffer.concat(parts.map((part) => encodeMessage("ModelInferRequest", part)));
    const message = new InferRequestMessage(bytes);
    assert.equal(message.modelName, "new");
    const request = message.toInferenceRequest(sink);
    assert.deepEqual(
      request.inputs.map((input) => [input.name, ...input.data]),
      [
        ["A", 1],
        ["B", 2],
      ],
    );
    assert.deepEqual(request.requestedOutputs, ["X", "Y"]);
  });

  it("InferRequestMessage passes over unknown fields of every wire type", () => {
    const known = encodeMessage("ModelInferRequest", { model_name: "m", id: "7" });
    const unknown = Buffer.from([
      ...[0xa0, 0x01, 0xff, 0x01], // field 20, varint
      ...[0xa1, 0x01, 1, 2, 3, 4, 5, 6, 7, 8], // fixed64
      ...[0xa2, 0x01, 0x02, 9, 9], // delimited
      ...[0xa5, 0x01, 1, 2, 3, 4], // fixed32
    ]);
    const message = new InferRequestMessage(Buffer.concat([unknown, known, unknown]));
    assert.deepEqual([message.modelName, message.id], ["m", "7"]);
  });

  it("InferRequestMessage ignores surplus raw contents", () => {
    const request = readObject({ inputs: [fp32], raw_input_contents: [Buffer.of(1), Buffer.of(2)] });
    assert.deepEqual(
      request.inputs.map((input) => [...input.data]),
      [[1]],
    );
  });

  it("InferRequestMessage says where a torn message is torn", () => {
    const whole = encodeMessage("ModelInferRequest", { model_name: "model", id: "abc" });
    assert.throws(() => new InferRequestMessage(whole.subarray(0, whole.length - 1)), {
      code: "INVALID_ARG",
      message: "Malformed ModelInferRequest: 3 bytes announced, 2 left, at byte 9 of 11, in id",
    });
  });

  it("InferRequestMessage refuses a group", () => {
    assert.throws(() => new InferRequestMessage(Buffer.of((8 << 3) | 3)), {
      code: "INVALID_ARG",
      message: /wire type 3 of field 8 at byte 1 of 1/,
    });
  });

  it("InferRequestMessage refuses a nested message that runs past its parent", () => {
    // inputs of 2 bytes whose name announces the 5 bytes of the id that follows.
    assert.throws(() => read(Buffer.of(0x2a, 0x02, 0x0a, 0x05, 0x1a, 0x03, 0x61, 0x62, 0x63)), {
      code: "INVALID_ARG",
      message: /5 bytes announced, 0 left, at byte 4 of 9, in inputs.name/,
    });
  });

  it("InferRequestMessage refuses a dimension beyond 2^53", () => {
    refused(
      { inputs: [{ ...fp32, shape: ["9007199254740993"] }], raw_input_contents: [Buffer.of()] },
      "INVALID_ARG",
      /a number beyond 2\^53 .* in inputs.shape/,
    );
  });

  it("InferRequestMessage refuses a shape whose last number runs past its list", () => {
    // name "", shape list of one byte that has no end, then another field.
    assert.throws(() => read(Buffer.of(0x2a, 0x06, 0x1a, 0x01, 0x80, 0x12, 0x01, 0x41)), {
      code: "INVALID_ARG",
      message: /past its list .* in inputs.shape/,
    });
  });

  it("InferRequestMessage refuses text that is not UTF-8", () => {
    assert.throws(() => new InferRequestMessage(Buffer.of(0x1a, 0x02, 0xc3, 0x28)), {
      code: "INVALID_ARG",
      message: /text that is not UTF-8 at byte 2 of 4, in id/,
    });
  });

  it("InferRequestMessage refuses an unknown datatype", () => {
    refused(
      { inputs: [{ ...fp32, datatype: "FP8" }], raw_input_contents: [Buffer.of()] },
      "INVALID_ARG",
      /^Input "INPUT0" has unknown datatype "FP8"$/,
    );
  });

  it("InferRequestMessage refuses contents beside raw contents", () => {
    refused(
      {
        model_name: "m",
        inputs: [{ ...fp32, contents: { fp32_contents: [1] } }],
        raw_input_contents: [Buffer.alloc(4)],
      },
      "INVALID_ARG",
      /^Contents field must not be specified when using raw_input_contents for input tensor 'INPUT0' for model 'm'$/,
    );
  });

  it("InferRequestMessage refuses an input without data", () => {
    refused(
      { inputs: [fp32, { ...fp32, name: "INPUT1" }], raw_input_contents: [Buffer.alloc(4)] },
      "INVALID_ARG",
      /^unable to find data for input tensor 'INPUT1'/,
    );
  });

  it("InferRequestMessage refuses an input that comes twice", () => {
    refused(
      { inputs: [fp32, fp32], raw_input_contents: [Buffer.alloc(4), Buffer.alloc(4)] },
      "INVALID_ARG",
      /^input 'INPUT0' already exists in request$/,
    );
  });

  it("InferRequestMessage refuses an output that comes twice, among few and among many", () => {
    for (const count of [2, 40]) {
      const outputs = Array.from({ length: count }, (_, i) => ({ name: `O${i === count - 1 ? 0 : i}` }));
      refused({ outputs }, "INVALID_ARG", /^output 'O0' already exists in request$/);
    }
  });
});
