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
    const { model_stats } = await grpc.call("ModelStatistics");
    const lastInference = String(statistics.lastInferenceMs);
    const zero = { count: "0", ns: "0" };
    assert.deepEqual(model_stats, [
      {
        name: "echo",
        version: "1",
        last_inference: lastInference,
        inference_count: "4503599627370497",
        execution_count: "1",
        inference_stats: {
          success: zero,
          fail: zero,
          queue: zero,
          compute_input: zero,
          compute_infer: zero,
          compute_output: zero,
          cache_hit: zero,
          cache_miss: zero,
        },
        batch_stats: [
          {
            batch_size: "4",
            compute_input: { count: "1", ns: "10000" },
            compute_infer: { count: "1", ns: String((2 ** 40 - 10) * 1_000) },
            compute_output: { count: "1", ns: "1000" },
          },
        ],
      },
    ]);
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
