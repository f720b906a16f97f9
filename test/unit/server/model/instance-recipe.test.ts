import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { HostedInstance, InstanceListener } from "../../../../backends/worker/hosted-instance.ts";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import { batchSpecOf } from "../../../../server/model/batch-spec.ts";
import { bringUpInstance, type InstanceRecipe } from "../../../../server/model/instance-recipe.ts";
import { ModelInstancePool } from "../../../../server/model/model-instance-pool.ts";
import { prepareWarmup } from "../../../../server/model/warmup/warmup.ts";
import { RateLimitedInstance } from "../../../../server/rate-limiter/rate-limited-instance.ts";
import { RateLimiter } from "../../../../server/rate-limiter/rate-limiter.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { makeModelConfig } from "../../../helpers/model-config.ts";

/** An instance that fails every request. */
class FailingInstance implements HostedInstance {
  readonly name = "m_0";
  readonly maxBatchesUnderWay = 2;
  batchesUnderWay = 0;
  executedCount = 0;
  isTerminated = false;
  listener: InstanceListener | null = null;

  signature(): Promise<null> {
    return Promise.resolve(null);
  }

  completion(): Promise<null> {
    return Promise.resolve(null);
  }

  bind(_spec: unknown, listener: InstanceListener): Promise<void> {
    this.listener = listener;
    return Promise.resolve();
  }

  execute(batch: InferenceRequest[]): void {
    this.executedCount++;
    setImmediate(() => {
      this.listener?.onCrash(this, "died");
      for (const request of batch) request.fail(failure("INTERNAL", "died"));
    });
  }

  finalize(): Promise<void> {
    return Promise.resolve();
  }

  terminate(): Promise<void> {
    this.isTerminated = true;
    return Promise.resolve();
  }
}

describe("bringUpInstance", () => {
  const crashes: string[] = [];
  const observer = {
    onDispatch: () => undefined,
    onExecution: () => undefined,
    onResponse: () => undefined,
    onCrash: (reason: string) => crashes.push(reason),
  };
  const pool = new ModelInstancePool(observer, () => Promise.reject(new Error("no restart")));
  const config = makeModelConfig({
    modelWarmup: [
      {
        name: "s",
        batchSize: 1,
        count: 1,
        inputs: new Map([["INPUT0", { datatype: "FP32", dims: [4], source: { kind: "zero" } }]]),
      },
    ],
  });
  const plain: InstanceRecipe = { config, spec: batchSpecOf(config), seats: new Map(), warmup: [] };

  it("hands the instance itself out where nothing stands before it", async () => {
    const instance = new FailingInstance();
    assert.equal(await bringUpInstance(instance, pool, plain), instance);
    assert.equal(instance.listener, pool);
    assert.equal(instance.executedCount, 0);
  });

  it("puts the rate limiter before one that has a seat", async () => {
    const [seat] = new RateLimiter([], new ManualClock()).admit("m", [
      { resources: [], priority: 1, deviceId: 0 },
    ]);
    const instance = new FailingInstance();
    const limited = await bringUpInstance(instance, pool, { ...plain, seats: new Map([["m_0", seat!]]) });
    assert.ok(limited instanceof RateLimitedInstance);
    assert.equal(instance.listener, limited);
  });

  it("ends an instance that fails its warm-up, of which the pool hears nothing (row 121)", async () => {
    const instance = new FailingInstance();
    const warmup = await prepareWarmup(config, "nowhere", null);
    await assert.rejects(bringUpInstance(instance, pool, { ...plain, warmup }), {
      message: "failed to run warmup sample 's': died",
    });
    assert.deepEqual([instance.isTerminated, crashes], [true, []]);
  });
});
