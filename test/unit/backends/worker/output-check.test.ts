import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { RequestOutput } from "../../../../backends/request-execution.ts";
import { checkResponseOutputs } from "../../../../backends/worker/output-check.ts";
import { tensorSpec } from "../../../helpers/tensor-spec.ts";

const spec = {
  maxBatchSize: 4,
  states: [],
  inputs: [],
  outputs: [tensorSpec("X", "FP32", [-1]), tensorSpec("S", "BYTES", [1])],
};
const output = (name: string, parts: Partial<RequestOutput> = {}): RequestOutput => ({
  name,
  datatype: "FP32",
  shape: [2, 1],
  data: new Uint8Array(8),
  canTransfer: false,
  ...parts,
});
const check = (outputs: RequestOutput[], required: string[] | null = null) =>
  checkResponseOutputs(outputs, { spec, required, batchSize: 2 });

describe("checkResponseOutputs", () => {
  it("takes outputs that are what the config says", () => {
    check([output("X"), output("S", { datatype: "BYTES", data: new Uint8Array(8) })], ["X", "S"]);
    check([], null);
    check([output("X", { shape: [2, 0], data: new Uint8Array(0) })], ["X"]);
  });

  const wrong: readonly (readonly [string, RequestOutput[], string[] | null, string])[] = [
    [
      "an unknown name",
      [output("Y")],
      null,
      "there is no output 'Y' in the model's configuration, which has 'X', 'S'",
    ],
    ["a name twice", [output("X"), output("X")], null, "output 'X' is given twice"],
    ["a missing output", [output("X")], ["X", "S"], "output 'S' was not produced by the model"],
    [
      "another datatype",
      [output("X", { datatype: "FP64" })],
      null,
      "output 'X' has datatype FP64, but the model configuration says FP32",
    ],
    [
      "another batch size",
      [output("X", { shape: [1, 2] })],
      null,
      "output 'X' has shape [1,2], expected [2,-1], of which the first is the request's batch size",
    ],
    [
      "another rank",
      [output("X", { shape: [2] })],
      null,
      "output 'X' has shape [2], expected [2,-1], of which the first is the request's batch size",
    ],
    [
      "a dimension that is no size",
      [output("X", { shape: [2, 0.5] })],
      null,
      "output 'X' has shape [2,0.5], expected [2,-1], of which the first is the request's batch size",
    ],
    [
      "too few bytes",
      [output("X", { shape: [2, 3] })],
      null,
      "output 'X' has 8 bytes, but its shape [2,3] of FP32 has 24",
    ],
    [
      "broken strings",
      [output("S", { datatype: "BYTES", data: new Uint8Array(5) })],
      null,
      "output 'S' is malformed: incomplete string length indicator for inference input 'S', expecting 4 bytes but only 1 bytes available",
    ],
  ];
  for (const [what, outputs, required, message] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(() => check(outputs, required), { code: "INTERNAL", message });
    });
  }
});
