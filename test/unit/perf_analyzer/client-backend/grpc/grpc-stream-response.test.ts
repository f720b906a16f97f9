import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { encodeMessage } from "../../../../../perf_analyzer/client-backend/grpc/grpc-messages.ts";
import { readStreamResponseHead } from "../../../../../perf_analyzer/client-backend/grpc/grpc-stream-response.ts";

describe("readStreamResponseHead", () => {
  it("reads what decides about a request and skips the rest", () => {
    const message = encodeMessage("ModelStreamInferResponse", {
      infer_response: {
        model_name: "m",
        id: "17",
        parameters: { other: { string_param: "x" }, triton_final_response: { bool_param: false } },
        outputs: [{ name: "A", datatype: "INT32", shape: [1] }],
        raw_output_contents: [Buffer.alloc(4)],
      },
    });
    const { error, id, isFinal, hasOutputs } = readStreamResponseHead(message);
    assert.deepEqual([error, id, isFinal, hasOutputs], ["", "17", false, true]);
  });

  it("tells the end of a request, an error, and a server that says nothing apart", () => {
    const end = encodeMessage("ModelStreamInferResponse", {
      infer_response: { id: "1", parameters: { triton_final_response: { bool_param: true } } },
    });
    assert.deepEqual(
      [readStreamResponseHead(end)].map(({ isFinal, hasOutputs }) => [isFinal, hasOutputs]),
      [[true, false]],
    );
    const failed = encodeMessage("ModelStreamInferResponse", {
      error_message: "no",
      infer_response: { id: "2" },
    });
    assert.deepEqual(
      [readStreamResponseHead(failed)].map(({ error, id, isFinal }) => [error, id, isFinal]),
      [["no", "2", null]],
    );
    const empty = encodeMessage("ModelStreamInferResponse", {});
    assert.deepEqual(
      [readStreamResponseHead(empty)].map(({ error, id, isFinal }) => [error, id, isFinal]),
      [["", "", null]],
    );
  });
});
