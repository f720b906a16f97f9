import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { renderMetrics } from "../../../../server/metrics/metrics-endpoint.ts";
import { MetricsRegistry } from "../../../../server/metrics/metrics-registry.ts";

describe("renderMetrics", () => {
  it("renderMetrics answers with the registry's page and Triton's content type", async () => {
    const { contentType, body } = await renderMetrics(new MetricsRegistry());
    assert.equal(contentType, "text/plain; charset=utf-8");
    assert.match(body, /^# HELP nv_inference_request_success /);
    assert.match(body, /\nnv_cpu_memory_used_bytes \d+\n$/);
  });
});
