import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { requestState } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import { RateLimitedInstance } from "../../../../server/rate-limiter/rate-limited-instance.ts";
import { RateLimitedInstances } from "../../../../server/rate-limiter/rate-limited-instances.ts";
import { RateLimiter } from "../../../../server/rate-limiter/rate-limiter.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

const times = { computeStartUs: 1, computeInputEndUs: 2, computeOutputStartUs: 3, computeEndUs: 4 };

/** Two rate-limited instances that want the one piece of a resource. */
class Bench {
  readonly clock = new ManualClock();
  readonly limiter = new RateLimiter([], this.clock);
  readonly seats = this.limiter.admit(
    "m",
    [0, 1].map(() => ({ resources: [{ name: "R", isGlobal: true, count: 1 }], priority: 1, deviceId: 0 })),
  );
  readonly events: string[] = [];
  readonly inner = this.seats.map((_, i) => this.#makeInner(`m_${i}`));
  readonly instances = this.inner.map(
    (inner, i) => new RateLimitedInstance(inner, this.seats[i]!, this.#listener()),
  );

  #makeInner(name: string) {
    const executed: InferenceRequest[][] = [];
    return {
      name,
      executed,
      maxBatchesUnderWay: 2,
      batchesUnderWay: 0,
      isRefusing: false,
      execute(batch: InferenceRequest[]): void {
        executed.push(batch);
        if (!this.isRefusing) this.batchesUnderWay++;
      },
      finalize: () => Promise.resolve(),
      terminate: () => Promise.resolve(),
    };
  }

  #listener() {
    return {
      onBatchEnd: (instance: { name: string }) => this.events.push(`${instance.name} ended`),
      onResponse: (index: number) => this.events.push(`response ${index}`),
      onCrash: (instance: { name: string }, reason: string) =>
        this.events.push(`${instance.name} crashed: ${reason}`),
    };
  }

  execute(index: number) {
    const { request, sink } = makeRequest();
    request.state = requestState.executing;
    this.instances[index]!.execute([request]);
    return sink;
  }

  end(index: number): void {
    this.inner[index]!.batchesUnderWay--;
    this.instances[index]!.onBatchEnd(this.inner[index], 1, times, true);
    this.clock.endTurn();
  }

  executedCounts(): number[] {
    return this.inner.map(({ executed }) => executed.length);
  }

  inUse(): number {
    return this.limiter.usage().get("r")?.inUse ?? 0;
  }
}

describe("RateLimitedInstance", () => {
  it("lets a batch in when the instance holds its resources, one at a time", () => {
    const bench = new Bench();
    bench.execute(0);
    bench.execute(1);
    bench.execute(0);
    assert.deepEqual(bench.executedCounts(), [1, 0]);
    assert.deepEqual(
      bench.instances.map(({ batchesUnderWay }) => batchesUnderWay),
      [2, 1],
    );
    bench.end(0);
    assert.deepEqual(bench.executedCounts(), [1, 1]);
    bench.end(1);
    assert.deepEqual(bench.executedCounts(), [2, 1]);
    bench.end(0);
    assert.equal(bench.inUse(), 0);
    assert.deepEqual(bench.events, ["m_0 ended", "m_1 ended", "m_0 ended"]);
  });

  it("gives back what a batch held that failed before it began", () => {
    const bench = new Bench();
    bench.inner[0]!.isRefusing = true;
    bench.execute(0);
    bench.execute(1);
    bench.clock.endTurn();
    assert.deepEqual(bench.executedCounts(), [1, 1]);
  });

  it("gives back what a dead instance held, and fails what waited for it", () => {
    const bench = new Bench();
    bench.execute(0);
    const waiting = bench.execute(0);
    bench.execute(1);
    bench.inner[0]!.batchesUnderWay = 0;
    bench.instances[0]!.onCrash(bench.inner[0], "boom");
    bench.clock.endTurn();
    assert.deepEqual(waiting.failures, [failure("INTERNAL", "boom")]);
    assert.deepEqual(bench.executedCounts(), [1, 1]);
    assert.deepEqual(bench.events, ["m_0 crashed: boom"]);
  });

  it("gives back what it held when it is ended, and fails what waited", async () => {
    const bench = new Bench();
    bench.execute(0);
    const waiting = bench.execute(0);
    const other = bench.execute(1);
    const ended = bench.instances[0]!.terminate();
    assert.equal(waiting.failures[0]?.code, "UNAVAILABLE");
    await ended;
    bench.clock.endTurn();
    assert.deepEqual(bench.executedCounts(), [1, 1]);
    await bench.instances[1]!.terminate();
    assert.equal(other.answerCount, 0, "the instance answers what it holds");
    assert.equal(bench.inUse(), 0);
  });

  it("passes the answers of decoupled models on", () => {
    const bench = new Bench();
    bench.instances[0]!.onResponse(3, "success", { startUs: 0, outputStartUs: 0, endUs: 0 });
    assert.deepEqual(bench.events, ["response 3"]);
  });
});

describe("RateLimitedInstances", () => {
  it("leave when the last one has ended, also when that fails", async () => {
    let leftCount = 0;
    const inner = {
      instanceCount: 2,
      brokenReason: () => null,
      finalize: () => Promise.reject(new Error("stuck")),
      terminate: () => Promise.resolve(),
    };
    const instances = new RateLimitedInstances(inner, () => leftCount++);
    assert.equal(instances.instanceCount, 2);
    assert.equal(instances.brokenReason(), null);
    await assert.rejects(instances.finalize(), /stuck/);
    await instances.terminate();
    assert.equal(leftCount, 2);
  });
});
