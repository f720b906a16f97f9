import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Tensor } from "../../../../server/core/tensor.ts";
import { PaddingMeter, paddedInputsOf } from "../../../../server/model/padding-meter.ts";
import type { ModelConfig } from "../../../../server/model-config/model-config.ts";
import { ModelStatistics } from "../../../../server/statistics/model-statistics.ts";
import { makeDynamicBatching, makeInput, makeModelConfig } from "../../../helpers/model-config.ts";
import { makePaddingRule } from "../../../helpers/padded-requests.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

const config: ModelConfig = makeModelConfig({
  input: [makeInput("a"), makeInput("x", { dims: [2, -1], isOptional: true })],
  dynamicBatching: makeDynamicBatching({ pad: [makePaddingRule({ input: "x", axis: 2, multipleOf: 4 })] }),
});

function x(rows: number, length: number): Tensor {
  return new Tensor("x", "FP32", [rows, 2, length], new Uint8Array());
}

describe("PaddingMeter", () => {
  it("counts the elements of padded inputs, and those of them that are padding", () => {
    const statistics = new ModelStatistics();
    const meter = PaddingMeter.of(config, statistics);
    const counts = (): unknown => [statistics.padding?.elementCount, statistics.padding?.paddingCount];
    assert.deepEqual(counts(), [0, 0]);
    const a = new Tensor("a", "FP32", [1, 4], new Uint8Array());
    meter?.onDispatch([
      makeRequest({ inputs: [a, x(1, 3)] }).request,
      makeRequest({ inputs: [a, x(2, 7)] }).request,
      makeRequest({ inputs: [a, x(1, 0)] }).request,
    ]);
    // Padded to 8: 4 rows of 16, of which 6, 28 and 0 were sent.
    assert.deepEqual(counts(), [64, 64 - 34]);
    meter?.onDispatch([makeRequest({ inputs: [a] }).request]);
    assert.deepEqual(counts(), [64, 64 - 34]);
  });

  it("is not there for models that pad nothing", () => {
    const statistics = new ModelStatistics();
    assert.equal(PaddingMeter.of(makeModelConfig(), statistics), null);
    assert.equal(statistics.padding, null);
  });
});

describe("paddedInputsOf", () => {
  it("says where each padded input stands", () => {
    assert.deepEqual(paddedInputsOf(config), [{ name: "x", index: 1, axis: 2, multipleOf: 4 }]);
    assert.deepEqual(paddedInputsOf(makeModelConfig()), []);
  });
});
