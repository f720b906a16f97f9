import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { GrpcFixture } from "../grpc-fixture.ts";

describe("gRPC statistics endpoint", () => {
  let grpc: GrpcFixture;
  before(async () => (grpc = await GrpcFixture.start()));
  after(() => grpc.stop());

  it("ModelStatistics carries every counter, beyond 32 bits too", async () => {
    const { statistics } = grpc.dataPlane.echo;
    statistics.inferenceCount = 2 ** 52 + 1;
    statistics.lastInferenceMs = 1_700_000_000_123;
    statistics.onExecution(4, {
      computeStartUs: 0,
      computeInputEndUs: 10,
      computeOutputStartUs: 2 ** 40,
      computeEndUs: 2 ** 40 + 1,
    });
    Object.assign(statistics, { successCount: 3, requestUs: 70, failureCount: 1, failureUs: 2, queueUs: 5 });
    Object.assign(statistics, { computeInputUs: 10, computeInferUs: 20, computeOutputUs: 2 ** 40 });
    const reply = await grpc.call("ModelStatistics");
    const [{ inference_stats, ...others }, ...more] = reply["model_stats"] as [Record<string, object>];
    assert.equal(more.length, 0);
    const lastInference = String(statistics.lastInferenceMs);
    // Zeros need not travel.
    const durations = Object.entries(inference_stats as Record<string, { count?: string; ns?: string }>).map(
      ([name, { count = "0", ns = "0" }]) => `${name} ${count} ${ns}`,
    );
    assert.deepEqual(durations, [
      "success 3 70000",
      "fail 1 2000",
      "queue 3 5000",
      "compute_input 3 10000",
      "compute_infer 3 20000",
      "compute_output 3 1099511627776000",
      "cache_hit 0 0",
      "cache_miss 0 0",
    ]);
    assert.deepEqual(others, {
      name: "echo",
      version: "1",
      last_inference: lastInference,
      inference_count: "4503599627370497",
      execution_count: "1",
      batch_stats: [
        {
          batch_size: "4",
          compute_input: { count: "1", ns: "10000" },
          compute_infer: { count: "1", ns: String((2 ** 40 - 10) * 1_000) },
          compute_output: { count: "1", ns: "1000" },
        },
      ],
    });
  });

  it("ModelStatistics asks for the model and the version that the client names", async () => {
    await grpc.call("ModelStatistics", { name: "echo", version: "01" });
    assert.deepEqual(grpc.dataPlane.lastLookUp, ["echo", "1"]);
  });

  it("ModelStatistics is INVALID_ARGUMENT for what is not available and for a version that is no number", async () => {
    assert.equal((await grpc.failure("ModelStatistics", { name: "nobody" })).code, 3);
    assert.equal((await grpc.failure("ModelStatistics", { name: "echo", version: "x" })).code, 3);
  });
});
