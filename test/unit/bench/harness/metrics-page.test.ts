import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { counterGrowth, MetricsPage } from "../../../../bench/harness/metrics-page.ts";

const page = new MetricsPage(`# TYPE nv_inference_request_success counter
nv_inference_request_success{model="identity",version="1"} 12
nv_inference_request_success{model="identity_2",version="1"} 99
# TYPE nv_inference_count counter
nv_inference_count{model="identity",version="1"} 20
nv_inference_exec_count{version="1",model="identity"} 5
`);

describe("MetricsPage", () => {
  it("reads the counters of the model, not of one whose name begins alike", () => {
    assert.deepEqual(page.model("identity"), { successCount: 12, inferenceCount: 20, executionCount: 5 });
  });

  it("names the series that is missing", () => {
    assert.throws(() => page.model("other"), /nv_inference_request_success of model "other"/);
  });
});

describe("counterGrowth", () => {
  it("subtracts each counter", () => {
    const before = { successCount: 1, inferenceCount: 2, executionCount: 3 };
    const after = { successCount: 11, inferenceCount: 22, executionCount: 33 };
    assert.deepEqual(counterGrowth(before, after), {
      successCount: 10,
      inferenceCount: 20,
      executionCount: 30,
    });
  });
});
