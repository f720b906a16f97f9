import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { DecodedInferRequest } from "../../../../../server/http/codec/decoded-infer-request.ts";
import { allJson } from "../../../../../server/http/codec/output-encodings.ts";

describe("DecodedInferRequest", () => {
  it("takes over each part", () => {
    const parts = {
      id: "1",
      inputs: [],
      requestedOutputs: ["A"],
      outputEncodings: allJson,
      classifications: new Map([["A", 2]]),
      sharedMemory: null,
      parameters: new Map([["x", 1]]),
      priority: 2,
      timeoutUs: 3,
      correlationId: "s",
      isSequenceStart: true,
      isSequenceEnd: false,
    };
    assert.deepEqual(Object.entries(new DecodedInferRequest(parts)), Object.entries(parts));
  });
});
