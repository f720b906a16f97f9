import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import {
  encodeStreamMessage,
  StreamInferResponseMessage,
} from "../../../../../server/grpc/codec/stream-infer-response.ts";
import { decodeMessage } from "../wire.ts";

const text = fc.string({ unit: "grapheme", maxLength: 300 });

function response(id: string, data: Uint8Array, parameters: Map<string, boolean> | null): InferenceResponse {
  const outputs = [new Tensor("O", "UINT8", [data.byteLength], data)];
  return new InferenceResponse({ modelName: "m", modelVersion: "1", id, outputs, parameters, buffer: null });
}

function decoded(bytes: Uint8Array): unknown {
  return JSON.parse(JSON.stringify(decodeMessage("ModelStreamInferResponse", bytes)));
}

const base64 = (data: Uint8Array): string => Buffer.from(data).toString("base64");

describe("StreamInferResponseMessage", () => {
  it("StreamInferResponseMessage writes what protobufjs reads, where it is told to", () => {
    fc.assert(
      fc.property(text, fc.uint8Array({ maxLength: 40_000 }), fc.boolean(), (id, data, isFinal) => {
        const message = StreamInferResponseMessage.of(response(id, data, new Map([["p", true]])), isFinal)!;
        const target = Buffer.alloc(message.byteLength + 12, 0xee);
        message.copy(target, 5);
        assert.ok([...target.subarray(0, 5), ...target.subarray(-7)].every((byte) => byte === 0xee));
        const inner = (
          decodeMessage("ModelStreamInferResponse", target.subarray(5, -7)) as {
            infer_response: { id?: string; parameters: object; raw_output_contents: Uint8Array[] };
          }
        ).infer_response;
        assert.equal(inner.id ?? "", id);
        assert.equal(base64(inner.raw_output_contents[0]!), base64(data));
        assert.deepEqual(JSON.parse(JSON.stringify(inner.parameters)), {
          p: { bool_param: true },
          triton_final_response: { bool_param: isFinal },
        });
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it("StreamInferResponseMessage does not let a backend fake the flag", () => {
    const faked = response("1", Uint8Array.of(), new Map([["triton_final_response", true]]));
    const message = StreamInferResponseMessage.of(faked, false)!;
    const bytes = Buffer.alloc(message.byteLength);
    message.copy(bytes, 0);
    const { infer_response: inner } = decoded(bytes) as { infer_response: { parameters: object } };
    assert.deepEqual(inner.parameters, { triton_final_response: { bool_param: false } });
  });

  it("StreamInferResponseMessage gives null for more than a message can hold", () => {
    // Never allocated: only its length is looked at.
    const huge = { byteLength: 2 ** 31 - 40 } as Uint8Array;
    assert.equal(StreamInferResponseMessage.of(response("", huge, null), true), null);
  });
});

describe("encodeStreamMessage", () => {
  it("encodeStreamMessage writes what protobufjs reads", () => {
    fc.assert(
      fc.property(
        fc.record({
          errorMessage: text,
          id: text,
          modelName: text,
          modelVersion: text,
          isFinal: fc.constantFrom(true, false, null),
        }),
        (parts) => {
          const message = decoded(encodeStreamMessage(parts));
          const present = (key: string, value: string): object => (value === "" ? {} : { [key]: value });
          assert.deepEqual(message, {
            ...present("error_message", parts.errorMessage),
            infer_response: {
              ...present("model_name", parts.modelName),
              ...present("model_version", parts.modelVersion),
              ...present("id", parts.id),
              ...(parts.isFinal === null
                ? {}
                : { parameters: { triton_final_response: { bool_param: parts.isFinal } } }),
            },
          });
        },
      ),
      { seed: 12, numRuns: 1000 },
    );
  });
});
