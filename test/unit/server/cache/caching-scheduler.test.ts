import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ResponseOrder } from "../../../../schedulers/dynamic-batch/response-order.ts";
import { CachingScheduler } from "../../../../server/cache/caching-scheduler.ts";
import { LocalCache } from "../../../../server/cache/local-cache.ts";
import {
  InferenceRequest,
  type RequestObserver,
  requestState,
} from "../../../../server/core/inference-request.ts";
import type { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { failure, type Failure, type Status } from "../../../../server/core/status.ts";
import type { Tensor } from "../../../../server/core/tensor.ts";
import { CacheStatistics, ModelStatistics } from "../../../../server/statistics/model-statistics.ts";
import { settle } from "../../../helpers/deferred.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { ManualScheduler } from "../../../helpers/manual-scheduler.ts";
import { fp32Tensor, RecordingSink } from "../../../helpers/recorded-request.ts";

/** Reads the values while they are there: the memory of an execution is reused afterwards. */
class ReadingSink extends RecordingSink {
  readonly values: number[] = [];
  onAnswered: (outcome: "" | " failed") => void = () => undefined;

  override onFailure(cause: Failure, isFinal: boolean): void {
    this.onAnswered(" failed");
    super.onFailure(cause, isFinal);
  }

  override onResponse(response: InferenceResponse, isFinal: boolean): void {
    this.onAnswered("");
    for (const { data } of response.outputs)
      this.values.push(...new Float32Array(Uint8Array.from(data).buffer));
    super.onResponse(response, isFinal);
  }
}

interface Asked {
  readonly request: InferenceRequest;
  readonly sink: ReadingSink;
  readonly refusal: Status;
}

interface Sketch {
  readonly id?: string;
  readonly priority?: number;
  readonly correlationId?: number;
}

function makeRequest(inputs: Tensor[], sink: ReadingSink, sketch: Sketch = {}): InferenceRequest {
  return new InferenceRequest({
    id: sketch.id ?? "",
    inputs,
    requestedOutputs: [],
    parameters: null,
    priority: sketch.priority ?? 0,
    timeoutUs: 0,
    correlationId: sketch.correlationId ?? 0,
    isSequenceStart: false,
    isSequenceEnd: false,
    sink,
  });
}

/** A caching scheduler over a {@link ManualScheduler}, used as a model uses it. */
class Bench {
  readonly inner = new ManualScheduler();
  readonly clock = new ManualClock();
  readonly statistics = new ModelStatistics();
  readonly notKept: string[] = [];
  readonly cache: LocalCache;
  readonly scheduler: CachingScheduler;
  /** Requests accepted and not answered. */
  inflightCount = 0;

  constructor(cacheBytes = 1e6, cache?: LocalCache, responseOrder: ResponseOrder | null = null) {
    this.cache = cache ?? new LocalCache(cacheBytes, () => this.clock.nowUs());
    this.statistics.cache = new CacheStatistics();
    this.scheduler = new CachingScheduler({
      modelName: "m",
      modelVersion: "1",
      outputNames: ["OUTPUT0"],
      inner: this.inner,
      cache: this.cache,
      observer: this.statistics,
      nowUs: () => this.clock.nowUs(),
      responseOrder,
      onNotKept: (reason) => this.notKept.push(reason),
    });
  }

  ask(value: number, sketch: Sketch = {}): Asked {
    const sink = new ReadingSink();
    return this.offer(makeRequest([fp32Tensor("INPUT0", [1, 1], [value])], sink, sketch), sink);
  }

  offer(request: InferenceRequest, sink: ReadingSink): Asked {
    request.requestStartUs = this.clock.nowUs();
    request.queueStartUs = this.clock.nowUs();
    const observer: RequestObserver = {
      onSuccess: (ended) => {
        this.inflightCount--;
        this.statistics.onSuccess(ended);
      },
      onFailed: (ended, cause, wasExecuting) => {
        this.inflightCount--;
        this.statistics.onFailed(ended, cause, wasExecuting);
      },
      onRequeued: () => assert.fail("nothing is executed twice"),
    };
    request.observer = observer;
    this.statistics.pendingCount++;
    this.inflightCount++;
    const refusal = this.scheduler.enqueue(request);
    assert.equal(sink.answerCount, 0, "answered before enqueue returned");
    if (refusal !== null) {
      this.statistics.pendingCount--;
      this.inflightCount--;
    }
    return { request, sink, refusal };
  }

  /** The inner scheduler hands its oldest request over and answers it. */
  complete(...values: number[]): void {
    this.statistics.onDispatch(1);
    this.inner.complete(values);
  }

  /** The same with ten times what was asked. */
  completeTenfold(): void {
    this.complete(10 * valueOf(this.inner.queued[0]!));
  }

  fail(cause: Failure): void {
    this.statistics.onDispatch(1);
    this.inner.fail(cause);
  }
}

function valueOf({ inputs }: InferenceRequest): number {
  return new Float32Array(inputs[0]!.data.buffer)[0] ?? Number.NaN;
}

describe("CachingScheduler", () => {
  it("answers a repeated request without the model's scheduler", async () => {
    const bench = new Bench();
    const first = bench.ask(1, { id: "a" });
    bench.complete(10);
    const second = bench.ask(1, { id: "b" });
    await settle();
    assert.equal(bench.inner.accepted.length, 1);
    assert.deepEqual([first.sink.values, second.sink.values], [[10], [10]]);
    assert.deepEqual([first.sink.responses[0]?.id, second.sink.responses[0]?.id], ["a", "b"]);
    assert.deepEqual([bench.inflightCount, bench.statistics.pendingCount], [0, 0]);
  });

  it("executes what differs", async () => {
    const bench = new Bench();
    bench.ask(1);
    bench.complete(10);
    const other = bench.ask(2);
    await settle();
    assert.equal(other.sink.answerCount, 0);
    bench.complete(20);
    assert.deepEqual(other.sink.values, [20]);
  });

  it("executes one of several that are under way at once, and answers all", () => {
    const bench = new Bench();
    const asked = ["a", "b", "c"].map((id) => bench.ask(1, { id }));
    assert.equal(bench.inner.accepted.length, 1);
    assert.deepEqual([bench.scheduler.queuedCount(), bench.statistics.pendingCount], [3, 3]);
    bench.complete(10);
    for (const [i, { sink }] of asked.entries()) {
      assert.deepEqual([sink.values, sink.responses[0]?.id, sink.answerCount], [[10], "abc"[i], 1]);
    }
    assert.equal(bench.statistics.pendingCount, 0);
  });

  it("gives the response of one execution to all even when the cache cannot keep it (row 169)", async () => {
    const bench = new Bench(1);
    let retainedCount = 0;
    const leader = bench.ask(1);
    const follower = bench.ask(1);
    follower.sink.onResponse = (response, isFinal) => {
      // What a sink does that needs the bytes for longer: the memory's owner hears of it.
      response.retain();
      ReadingSink.prototype.onResponse.call(follower.sink, response, isFinal);
      assert.deepEqual(follower.sink.values, [10]);
    };
    bench.statistics.onDispatch(1);
    bench.inner.complete([10], { retain: () => retainedCount++, release: () => undefined });
    assert.deepEqual([leader.sink.answerCount, follower.sink.answerCount, retainedCount], [1, 1, 1]);
    bench.ask(1);
    await settle();
    assert.equal(bench.inner.queued.length, 1);
    bench.complete(10);
    assert.equal(bench.notKept.length, 1, "one warning");
    assert.match(bench.notKept[0] ?? "", /the response takes \d+ bytes, and the whole cache has 1/);
    assert.deepEqual([bench.statistics.cache?.missCount, bench.statistics.cache?.hitCount], [2, 1]);
  });

  it("lets the others live when the one that waits for its execution is cancelled", () => {
    const bench = new Bench();
    const [first, second, third] = [bench.ask(1), bench.ask(1), bench.ask(1)];
    first.request.cancel();
    assert.equal(first.sink.failures[0]?.code, "CANCELLED");
    assert.deepEqual(bench.inner.queued, [second.request]);
    bench.complete(10);
    assert.deepEqual([second.sink.values, third.sink.values], [[10], [10]]);
    assert.deepEqual([bench.inflightCount, bench.statistics.pendingCount], [0, 0]);
  });

  it("lets the others live when the one that executes is cancelled", () => {
    const bench = new Bench();
    const [first, second] = [bench.ask(1), bench.ask(1)];
    const executing = bench.inner.begin();
    bench.statistics.onDispatch(1);
    first.request.cancel();
    assert.deepEqual([first.sink.answerCount, second.sink.answerCount], [0, 0]);
    // An ensemble gives up.
    executing.fail(failure("CANCELLED", "given up"));
    assert.deepEqual(bench.inner.queued, [second.request]);
    bench.complete(10);
    assert.deepEqual(second.sink.values, [10]);
  });

  it("lets the others live when one that waits for them is cancelled", () => {
    const bench = new Bench();
    const [first, second, third] = [bench.ask(1), bench.ask(1), bench.ask(1)];
    second.request.cancel();
    assert.equal(second.sink.failures[0]?.code, "CANCELLED");
    bench.complete(10);
    assert.deepEqual([first.sink.values, third.sink.values], [[10], [10]]);
    assert.equal(second.sink.answerCount, 1);
  });

  it("does not let a timeout of one end the others", () => {
    const bench = new Bench();
    const [first, second] = [bench.ask(1), bench.ask(1)];
    const expired = bench.inner.queued.shift()!;
    expired.fail(failure("UNAVAILABLE", "Request timeout expired"));
    assert.equal(first.sink.failures[0]?.code, "UNAVAILABLE");
    assert.deepEqual(bench.inner.queued, [second.request]);
  });

  it("fails those that cannot take a cancelled one's place", () => {
    const bench = new Bench();
    const [first, second, third] = [bench.ask(1), bench.ask(1), bench.ask(1)];
    bench.inner.refusal = failure("UNAVAILABLE", "full");
    first.request.cancel();
    assert.deepEqual([second.sink.failures[0]?.message, third.sink.failures[0]?.message], ["full", "full"]);
    assert.deepEqual([bench.inflightCount, bench.statistics.pendingCount], [0, 0]);
  });

  it("fails all when their execution fails, and keeps no failure", async () => {
    const bench = new Bench();
    const asked = [bench.ask(1), bench.ask(1)];
    bench.fail(failure("INTERNAL", "broke"));
    for (const { sink } of asked) assert.equal(sink.failures[0]?.message, "broke");
    assert.equal(bench.statistics.failureCountByReason.BACKEND, 2);
    const again = bench.ask(1);
    await settle();
    assert.equal(again.sink.answerCount, 0);
    bench.complete(10);
    assert.deepEqual(again.sink.values, [10]);
  });

  it("does not let an urgent request wait for one that is not", () => {
    const bench = new Bench();
    bench.ask(1);
    const urgent = bench.ask(1, { priority: 1 });
    assert.equal(bench.inner.accepted.length, 2);
    bench.complete(10);
    bench.complete(10);
    assert.deepEqual(urgent.sink.values, [10]);
    // The second insertion met the first one's entry and is no miss.
    assert.equal(bench.statistics.cache?.missCount, 1);
  });

  it("lets requests of a sequence pass by", async () => {
    const bench = new Bench();
    for (let i = 0; i < 2; i++) {
      bench.ask(1, { correlationId: 7 });
      bench.complete(i);
    }
    await settle();
    assert.equal(bench.inner.accepted.length, 2);
    assert.equal(bench.cache.counters.lookupCount, 0);
  });

  it("executes what it looked up, also when a client changes its shared memory meanwhile", async () => {
    const bench = new Bench();
    const tensor = fp32Tensor("INPUT0", [1, 1], [1]);
    const sink = new ReadingSink();
    const request = makeRequest([tensor], sink);
    request.areInputsVolatile = true;
    bench.offer(request, sink);
    tensor.data.fill(0);
    assert.deepEqual([...new Float32Array(bench.inner.queued[0]!.inputs[0]!.data.buffer)], [1]);
    bench.complete(10);
    const same = bench.ask(1);
    await settle();
    assert.deepEqual(same.sink.values, [10]);
  });

  it("passes a refusal on and begins nothing", () => {
    const bench = new Bench();
    bench.inner.refusal = failure("UNAVAILABLE", "full");
    assert.equal(bench.ask(1).refusal?.message, "full");
    bench.inner.refusal = null;
    assert.equal(bench.ask(1).refusal, null);
    assert.equal(bench.inner.queued.length, 1);
  });

  it("does not find what another load of the same model has kept", async () => {
    const old = new Bench();
    old.ask(1);
    old.complete(10);
    const reloaded = new Bench(0, old.cache);
    const asked = reloaded.ask(1);
    await settle();
    assert.equal(asked.sink.answerCount, 0);
    old.scheduler.stop();
    assert.equal(old.cache.counters.entryCount, 0);
  });

  it("stops its scheduler only when what was accepted needs it no more", () => {
    const bench = new Bench();
    const [first, second] = [bench.ask(1), bench.ask(1)];
    bench.scheduler.stop();
    assert.equal(bench.ask(1).refusal?.code, "UNAVAILABLE");
    assert.equal(bench.inner.isStopped, false);
    first.request.cancel();
    bench.complete(10);
    assert.deepEqual(second.sink.values, [10]);
    assert.equal(bench.inner.isStopped, true);
    assert.equal(bench.cache.counters.entryCount, 0, "a model that goes keeps nothing");
  });

  it("lets answers leave in the order of their requests when that is asked for, hits too", async () => {
    const bench = new Bench(1e6, undefined, new ResponseOrder());
    const left: string[] = [];
    const ask = (value: number, id: string): Asked => {
      const asked = bench.ask(value, { id });
      asked.sink.onAnswered = (outcome) => left.push(`${id}${outcome}`);
      return asked;
    };
    ask(1, "a");
    bench.complete(10);
    const slow = ask(2, "b");
    ask(1, "hit");
    ask(3, "c");
    const joined = ask(2, "joined");
    ask(1, "hit again");
    await settle();
    joined.request.cancel();
    assert.deepEqual(left, ["a"]);
    slow.request.cancel();
    assert.deepEqual(left, ["a", "b failed", "hit"]);
    bench.complete(30);
    assert.deepEqual(left, ["a", "b failed", "hit", "c", "joined failed", "hit again"]);
  });

  it("charges hits, shared executions and misses as the statistics say", async () => {
    const bench = new Bench();
    const leader = bench.ask(1);
    bench.clock.advance(100);
    bench.ask(1);
    bench.clock.advance(400);
    Object.assign(leader.request, {
      computeStartUs: bench.clock.nowUs() - 50,
      computeInputEndUs: bench.clock.nowUs() - 40,
      computeOutputStartUs: bench.clock.nowUs() - 10,
      computeEndUs: bench.clock.nowUs(),
    });
    bench.complete(10);
    bench.ask(1);
    await settle();
    const { statistics } = bench;
    assert.deepEqual(
      [
        statistics.successCount,
        statistics.inferenceCount,
        statistics.cache?.hitCount,
        statistics.cache?.missCount,
      ],
      [3, 1, 2, 1],
    );
    // The one that was executed waited 450 µs, the one that shared it 400, the hit not at all.
    assert.deepEqual([statistics.queueUs, statistics.requestUs, statistics.computeInferUs], [850, 900, 30]);
  });

  it("loses no request and answers none twice, whatever is cancelled or fails", async () => {
    // A small generator of our own: the schedule must be the same on every machine.
    let seed = 12345;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let round = 0; round < 200; round++) {
      const bench = new Bench(8_000);
      const asked: Asked[] = [];
      for (let step = 0; step < 60; step++) {
        const choice = random(10);
        const isWaiting = bench.inner.queued.length > 0;
        if (choice < 5) asked.push(bench.ask(random(4), { id: String(asked.length), priority: random(2) }));
        else if (choice < 7 && isWaiting) bench.completeTenfold();
        else if (choice === 7 && isWaiting) bench.fail(failure("INTERNAL", "broke"));
        else if (choice === 8 && asked.length > 0) asked[random(asked.length)]?.request.cancel();
        else await Promise.resolve();
      }
      bench.scheduler.stop();
      while (bench.inner.queued.length > 0) bench.completeTenfold();
      await settle();
      for (const { request, sink } of asked) {
        assert.equal(sink.answerCount, 1);
        assert.equal(request.state, requestState.done);
        const value = valueOf(request);
        if (sink.responses.length > 0) {
          assert.deepEqual([sink.values, sink.responses[0]?.id], [[value * 10], request.id]);
        }
      }
      assert.deepEqual([bench.inflightCount, bench.statistics.pendingCount], [0, 0]);
      const { hitCount, missCount } = bench.statistics.cache!;
      assert.ok(hitCount + missCount <= asked.length);
      assert.equal(bench.cache.counters.entryCount, 0);
    }
  });
});
