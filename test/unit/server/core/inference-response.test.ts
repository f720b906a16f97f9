import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InferenceResponse, type SharedBuffer } from "../../../../server/core/inference-response.ts";
import { fp32Tensor } from "../../../helpers/recorded-request.ts";

function responseOn(buffer: SharedBuffer | null): InferenceResponse {
  const outputs = [fp32Tensor("y", [1], [1])];
  return new InferenceResponse({
    modelName: "m",
    modelVersion: "3",
    id: "7",
    outputs,
    parameters: null,
    buffer,
  });
}

describe("InferenceResponse", () => {
  it("keeps what it was made of", () => {
    const response = responseOn(null);
    assert.equal(response.modelName, "m");
    assert.equal(response.modelVersion, "3");
    assert.equal(response.id, "7");
    assert.equal(response.outputs[0]?.name, "y");
    assert.equal(response.parameters, null);
  });

  it("retain and release reach the memory behind the outputs, and need none", () => {
    const calls: string[] = [];
    const response = responseOn({ retain: () => calls.push("retain"), release: () => calls.push("release") });
    response.retain();
    response.release();
    assert.deepEqual(calls, ["retain", "release"]);
    responseOn(null).retain();
    responseOn(null).release();
  });
});
