import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { allBinary, OutputEncodings } from "../../../../../server/http/codec/output-encodings.ts";
import { ResponseScratch } from "../../../../../server/http/codec/response-scratch.ts";

function responseOf(modelName: string, shape: number[]): InferenceResponse {
  const outputs = [new Tensor("OUT", "UINT8", shape, new Uint8Array(4))];
  return new InferenceResponse({
    modelName,
    modelVersion: "1",
    id: "",
    outputs,
    parameters: null,
    buffer: null,
  });
}

describe("ResponseScratch", () => {
  it("finds the header of a response that is alike but for its data", () => {
    const scratch = new ResponseScratch(1000);
    scratch.keepHeader(responseOf("m", [4]), allBinary, Buffer.from("json"));
    assert.deepEqual(scratch.findHeader(responseOf("m", [4]), allBinary), Buffer.from("json"));
    assert.equal(scratch.findHeader(responseOf("m", [2, 2]), allBinary), null);
    assert.equal(scratch.findHeader(responseOf("n", [4]), allBinary), null);
    assert.equal(scratch.findHeader(responseOf("m", [4]), new OutputEncodings(null, "binary")), null);
  });

  it("keeps one header for each model, and not without end", () => {
    const scratch = new ResponseScratch(1000);
    for (let i = 0; i < 1000; i++) {
      scratch.keepHeader(responseOf(`m${i}`, [4]), allBinary, Buffer.from(String(i)));
      assert.deepEqual(scratch.findHeader(responseOf(`m${i}`, [4]), allBinary), Buffer.from(String(i)));
    }
    assert.equal(scratch.findHeader(responseOf("m0", [4]), allBinary), null);
  });
});
