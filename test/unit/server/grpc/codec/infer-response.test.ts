import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { dataTypes } from "../../../../../server/core/data-type.ts";
import type { ParameterValue } from "../../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { InferResponseMessage } from "../../../../../server/grpc/codec/infer-response.ts";
import { decodeMessage } from "../wire.ts";

const text = fc.string({ unit: "grapheme", maxLength: 90 });
const outputs = fc.array(
  fc.record({
    name: text,
    datatype: fc.constantFrom(...dataTypes),
    shape: fc.array(fc.oneof(fc.nat(300), fc.nat({ max: Number.MAX_SAFE_INTEGER })), { maxLength: 5 }),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 5 },
);
const parameterValue: fc.Arbitrary<ParameterValue> = fc.oneof(
  fc.boolean(),
  text,
  fc.double({ noInteger: true }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

/** The parameter as protobufjs decodes it. */
function wireParameter(value: ParameterValue): object {
  switch (typeof value) {
    case "boolean":
      return { bool_param: value };
    case "string":
      return { string_param: value };
    case "bigint":
      return { int64_param: value.toString() };
    default:
      return Number.isSafeInteger(value)
        ? { int64_param: BigInt(value).toString() }
        : { double_param: value };
  }
}

/** `{ [key]: value }` unless the value is protobuf's default, which is not sent. */
function present(key: string, value: string | readonly unknown[]): object {
  return value.length === 0 ? {} : { [key]: value };
}

/** The message in memory of its own, or `null` when it is too large. */
function encoded(response: InferenceResponse): Buffer | null {
  const message = InferResponseMessage.of(response);
  if (message === null) return null;
  const out = Buffer.alloc(message.byteLength);
  message.copy(out, 0);
  return out;
}

describe("InferResponseMessage", () => {
  it("InferResponseMessage writes what protobufjs reads", () => {
    fc.assert(
      fc.property(
        fc.record({ modelName: text, modelVersion: text, id: text, outputs }),
        fc.option(fc.array(fc.tuple(text, parameterValue), { maxLength: 4 })),
        (parts, entries) => {
          const parameters = entries === null ? null : new Map(entries);
          const response = new InferenceResponse({
            ...parts,
            outputs: parts.outputs.map((o) => new Tensor(o.name, o.datatype, o.shape, o.data)),
            parameters,
            buffer: null,
          });
          const bytes = encoded(response)!;
          assert.deepEqual(normal(decodeMessage("ModelInferResponse", bytes)), {
            ...present("model_name", parts.modelName),
            ...present("model_version", parts.modelVersion),
            ...present("id", parts.id),
            ...(parameters === null || parameters.size === 0
              ? {}
              : {
                  parameters: Object.fromEntries(
                    [...parameters].map(([key, value]) => [key, wireParameter(value)]),
                  ),
                }),
            ...present(
              "outputs",
              parts.outputs.map((output) => ({
                ...present("name", output.name),
                datatype: output.datatype,
                ...present("shape", output.shape.map(String)),
              })),
            ),
            ...present(
              "raw_output_contents",
              parts.outputs.map((output) => Buffer.from(output.data).toString("hex")),
            ),
          });
        },
      ),
      { seed: 4, numRuns: 2000 },
    );
  });

  it("InferResponseMessage copies the data", () => {
    const data = Uint8Array.of(1, 2, 3, 4);
    const bytes = encoded(
      new InferenceResponse({
        modelName: "m",
        modelVersion: "1",
        id: "",
        outputs: [new Tensor("O", "FP32", [1], data)],
        parameters: null,
        buffer: null,
      }),
    )!;
    data.fill(0xee);
    assert.deepEqual(decodeMessage("ModelInferResponse", bytes), {
      model_name: "m",
      model_version: "1",
      outputs: [{ name: "O", datatype: "FP32", shape: ["1"] }],
      raw_output_contents: [Buffer.of(1, 2, 3, 4)],
    });
  });

  it("InferResponseMessage gives null for more than a message can hold", () => {
    // Never allocated: only its length is looked at.
    const huge = { byteLength: 2 ** 31 } as Uint8Array;
    const response = new InferenceResponse({
      modelName: "m",
      modelVersion: "1",
      id: "",
      outputs: [new Tensor("O", "UINT8", [2 ** 31], huge)],
      parameters: null,
      buffer: null,
    });
    assert.equal(encoded(response), null);
  });
});

/** Bytes as hex and without protobufjs' own prototypes, so that deepEqual compares values. */
function normal(message: Record<string, unknown>): Record<string, unknown> {
  const raw = message["raw_output_contents"] as Uint8Array[] | undefined;
  return {
    ...message,
    ...(raw === undefined
      ? {}
      : { raw_output_contents: raw.map((data) => Buffer.from(data).toString("hex")) }),
  };
}

describe("InferResponseMessage", () => {
  it("InferResponseMessage writes the same bytes where it is told to", () => {
    const response = new InferenceResponse({
      modelName: "m",
      modelVersion: "1",
      id: "id",
      outputs: [
        new Tensor("a", "UINT8", [3], Uint8Array.of(1, 2, 3)),
        new Tensor("b", "UINT8", [2], Uint8Array.of(4, 5)),
      ],
      parameters: new Map([["key", 7]]),
      buffer: null,
    });
    const expected = encoded(response)!;
    const message = InferResponseMessage.of(response)!;
    assert.equal(message.byteLength, expected.byteLength);
    const target = Buffer.alloc(message.byteLength + 12, 0xee);
    message.copy(target, 5);
    assert.deepEqual(target.subarray(5, 5 + message.byteLength), expected);
    assert.ok(
      [...target.subarray(0, 5), ...target.subarray(5 + message.byteLength)].every((b) => b === 0xee),
    );
  });
});
