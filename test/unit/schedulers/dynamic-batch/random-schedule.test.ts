import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type InferenceRequest, requestState } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import type { DynamicBatching, QueuePolicy } from "../../../../server/model-config/model-config.ts";
import { makeInput, makeQueuePolicy } from "../../../helpers/model-config.ts";
import { makePaddingRule } from "../../../helpers/padded-requests.ts";
import { fp32Tensor } from "../../../helpers/recorded-request.ts";
import { SchedulerBench, type SentRequest } from "../../../helpers/scheduler-bench.ts";

/** Whole numbers below `limit`. The same in every run: a small linear congruential generator. */
type Random = (limit: number) => number;

function seeded(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * limit);
  };
}

function randomPolicy(random: Random): QueuePolicy {
  return makeQueuePolicy({
    timeoutAction: random(2) === 0 ? "REJECT" : "DELAY",
    defaultTimeoutUs: random(3) * 400,
    allowTimeoutOverride: random(2) === 0,
    maxQueueSize: random(3) * 6,
  });
}

interface Plan {
  readonly max: number;
  readonly capacity: number;
  readonly isVariable: boolean;
  readonly isPadded: boolean;
  readonly batching: Partial<DynamicBatching>;
}

function randomPlan(random: Random): Plan {
  const max = 1 + random(8);
  const preserveOrdering = random(4) === 0;
  const priorityLevels = preserveOrdering ? 0 : random(4);
  const policies = random(2) === 0;
  const hasTarget = random(4) === 0;
  const isPadded = random(3) === 0;
  const padding = isPadded
    ? { pad: [makePaddingRule({ input: "x" })], maxPaddingShare: random(5) / 4 }
    : { pad: [], maxPaddingShare: 0.25 };
  const policy = (): QueuePolicy => {
    const made = policies ? randomPolicy(random) : makeQueuePolicy();
    return preserveOrdering ? { ...made, timeoutAction: "REJECT" } : made;
  };
  return {
    max,
    capacity: 1 + random(3),
    isVariable: isPadded || random(3) === 0,
    isPadded,
    batching: hasTarget
      ? { ...padding, preferredBatchSize: [], latencyTargetUs: 500 + random(3_000), preserveOrdering }
      : {
          ...padding,
          preferredBatchSize: random(2) === 0 ? [max] : [1 + random(max), 1 + random(max)],
          maxQueueDelayUs: random(2) * 300,
          preserveOrdering,
          priorityLevels,
          defaultPriorityLevel: priorityLevels === 0 ? 0 : 1 + random(priorityLevels),
          defaultQueuePolicy: policy(),
          priorityQueuePolicy: new Map(priorityLevels > 1 ? [[1, policy()]] : []),
        },
  };
}

/** Runs a random schedule to its end, and checks what must hold whatever happened. */
class Simulation {
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #bench: SchedulerBench;
  readonly #sent: SentRequest[] = [];
  #refusedCount = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.#plan = randomPlan(this.#random);
    const { max, capacity, batching, isVariable } = this.#plan;
    const input = makeInput("x", { dims: [isVariable ? -1 : 2] });
    this.#bench = new SchedulerBench({ max, capacity, batching, config: { input: [input] } });
    this.#bench.pool.onExecute = (batch) => {
      this.#checkPriorities(batch);
      this.#checkHead(batch);
    };
  }

  run(stepCount: number): void {
    for (let step = 0; step < stepCount; step++) {
      this.#step();
      if (this.#random(3) === 0) this.#bench.clock.endTurn();
      const { pool } = this.#bench;
      assert.ok(pool.running.length <= this.#plan.capacity);
    }
    this.#bench.drain();
    this.#check();
  }

  #step(): void {
    const { clock, pool } = this.#bench;
    const action = this.#random(8);
    if (action <= 3) this.#send();
    else if (action === 4 && pool.running.length > 0) this.#end();
    else if (action === 5 && this.#sent.length > 0) {
      this.#sent[this.#random(this.#sent.length)]?.request.cancel();
    } else clock.advance(this.#random(250));
  }

  #end(): void {
    const { pool } = this.#bench;
    // Any of the instances may be the next one to be ready.
    for (let turns = this.#random(pool.running.length); turns > 0; turns--)
      pool.running.push(pool.running.shift()!);
    if (this.#random(10) === 0) pool.failOldest(failure("INTERNAL", "at random"));
    else pool.completeOldest(this.#random(500));
  }

  #send(): void {
    const batchSize = this.#random(10) === 0 ? 0 : 1 + this.#random(this.#plan.max);
    const variety = this.#plan.isPadded ? 9 : 2;
    const length = this.#plan.isVariable ? 1 + this.#random(variety) : 2;
    const { sent, refusal } = this.#bench.offer(String(this.#sent.length), {
      batchSize,
      priority: this.#random(5),
      timeoutUs: this.#random(3) * 100,
      inputs: [fp32Tensor("x", [batchSize, length], [])],
    });
    if (refusal === null) this.#sent.push(sent);
    else {
      this.#refusedCount++;
      assert.match(refusal.message, /^Exceeds maximum queue size$|within the latency target/);
      assert.equal(sent.sink.answerCount, 0);
    }
  }

  /** Nothing that waits may be of a higher level than something that runs. */
  #checkPriorities(batch: readonly InferenceRequest[]): void {
    const levels = batch.map((request) => this.#levelOf(request));
    assert.deepEqual(
      levels,
      levels.toSorted((a, b) => a - b),
    );
    const lowest = levels.at(-1) ?? 0;
    for (const { request } of this.#sent) {
      if (request.state === requestState.queued) assert.ok(this.#levelOf(request) >= lowest);
    }
  }

  /** Where nothing else changes the order, whoever waits longest is in the next batch: padding starves nobody. */
  #checkHead([head]: readonly InferenceRequest[]): void {
    if (!this.#keepsOrder()) return;
    for (const { request } of this.#sent) {
      if (request.state === requestState.queued) assert.ok(Number(request.id) > Number(head?.id));
    }
  }

  /** Nothing but a priority or a timeout that delays may change the order of the batches. */
  #keepsOrder(): boolean {
    const { priorityLevels = 0, defaultQueuePolicy, priorityQueuePolicy } = this.#plan.batching;
    const policies = [defaultQueuePolicy, ...(priorityQueuePolicy?.values() ?? [])];
    const delays = policies.some(
      (policy) => policy?.timeoutAction === "DELAY" && policy.defaultTimeoutUs > 0,
    );
    return priorityLevels === 0 && !delays;
  }

  #levelOf({ priority }: InferenceRequest): number {
    const { priorityLevels = 0, defaultPriorityLevel = 0 } = this.#plan.batching;
    if (priorityLevels === 0) return 0;
    return priority >= 1 && priority <= priorityLevels ? priority : defaultPriorityLevel;
  }

  #check(): void {
    const { pool, scheduler, clock, answered } = this.#bench;
    assert.equal(scheduler.queuedCount(), 0);
    assert.equal(clock.timerCount, 0, "a timer is left");
    for (const { sink } of this.#sent) assert.equal(sink.answerCount, 1);
    const executed = pool.executed.flat();
    assert.equal(new Set(executed).size, executed.length, "a request ran twice");
    const { batching } = this.#plan;
    for (const batch of pool.executed) {
      assert.ok(batch.reduce((sum, { batchSize }) => sum + Math.max(1, batchSize), 0) <= this.#plan.max);
      const lengths = batch.map(({ inputs }) => inputs[0]?.shape[1] ?? 0);
      if (!this.#plan.isPadded) assert.ok(new Set(lengths).size === 1, "shapes are mixed");
      else assert.ok(paddingShare(batch) <= (batching.maxPaddingShare ?? 0) + 1e-9, String(lengths));
      // Within a batch the order is always that of the queue.
      if (this.#keepsOrder()) assertAscending(batch.map(({ id }) => Number(id)));
    }
    const passesNobody = !this.#plan.isPadded || (batching.latencyTargetUs ?? 0) > 0;
    if (passesNobody && this.#keepsOrder()) assertAscending(executed.map(({ id }) => Number(id)));
    if (batching.preserveOrdering === true) {
      const accepted = new Set(this.#sent.map(({ request }) => request.id));
      assertAscending(answered.filter((id) => accepted.has(id)).map(Number));
    }
    // What was neither run, nor cancelled, nor timed out would have been lost.
    const ran = new Set(executed);
    for (const { request, sink } of this.#sent) {
      if (ran.has(request)) continue;
      const [failed] = sink.failures;
      const isExplained = /^Request timeout expired$|within the latency target/.test(failed?.message ?? "");
      assert.ok(failed?.code === "CANCELLED" || isExplained, failed?.message);
    }
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }
}

function paddingShare(batch: readonly InferenceRequest[]): number {
  const longest = Math.max(...batch.map(({ inputs }) => inputs[0]?.shape[1] ?? 0));
  let positions = 0;
  let padding = 0;
  for (const { batchSize, inputs } of batch) {
    const rows = Math.max(1, batchSize);
    positions += rows * longest;
    padding += rows * (longest - (inputs[0]?.shape[1] ?? 0));
  }
  return padding / positions;
}

function assertAscending(values: readonly number[]): void {
  for (const [i, value] of values.entries()) assert.ok(i === 0 || value > values[i - 1]!, String(values));
}

describe("DynamicBatchScheduler random schedules", function () {
  this.timeout(20_000);

  it("loses and repeats nothing, and keeps limits and order, in 3,000 schedules", () => {
    let refusedCount = 0;
    for (let seed = 1; seed <= 3_000; seed++) {
      const simulation = new Simulation(seed);
      try {
        simulation.run(60);
      } catch (thrown) {
        throw new Error(`seed ${seed}`, { cause: thrown });
      }
      refusedCount += simulation.refusedCount;
    }
    assert.ok(refusedCount > 0, "no schedule ever filled a queue");
  });

  it("does not let an endless stream of one level starve it within its own level", () => {
    const bench = new SchedulerBench({
      max: 1,
      batching: { priorityLevels: 2, defaultPriorityLevel: 1, preferredBatchSize: [1] },
    });
    bench.keepBusy();
    const first = bench.send("first", { priority: 1 });
    for (let i = 0; i < 50; i++) {
      bench.send(String(i), { priority: 1 });
      bench.completeOldest();
      if (first.sink.answerCount === 1) break;
    }
    assert.equal(first.sink.answerCount, 1);
    bench.drain();
  });
});
