import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ResponseOrder } from "../../../../schedulers/dynamic-batch/response-order.ts";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { failure } from "../../../../server/core/status.ts";
import { makeQueuePolicy } from "../../../helpers/model-config.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";
import { SchedulerBench } from "../../../helpers/scheduler-bench.ts";

function benchOf(capacity: number): SchedulerBench {
  return new SchedulerBench({ max: 1, capacity, batching: { preserveOrdering: true } });
}

function response(onRetain: () => void = () => undefined): InferenceResponse {
  return new InferenceResponse({
    modelName: "m",
    modelVersion: "1",
    id: "",
    outputs: [],
    parameters: null,
    buffer: { retain: onRetain, release: () => undefined },
  });
}

describe("DynamicBatchScheduler with preserve_ordering", () => {
  it("holds a response until all earlier requests are answered (row 128)", () => {
    const bench = benchOf(3);
    for (const id of ["a", "b", "c"]) bench.send(id);
    bench.clock.endTurn();
    const [a, b, c] = bench.pool.running.splice(0);
    bench.pool.running.push(c!, a!, b!);
    bench.completeOldest();
    assert.deepEqual(bench.answered, []);
    bench.completeOldest();
    assert.deepEqual(bench.answered, ["a"]);
    bench.completeOldest();
    assert.deepEqual(bench.answered, ["a", "b", "c"]);
  });

  it("keeps failures and cancellations in the order too", () => {
    const bench = benchOf(2);
    for (const id of ["a", "b", "c"]) bench.send(id);
    const { request } = bench.send("d");
    bench.clock.endTurn();
    request.cancel();
    const [a, b] = bench.pool.running.splice(0);
    bench.pool.running.push(b!, a!);
    bench.pool.failOldest(failure("INTERNAL", "no"));
    assert.deepEqual(bench.answered, []);
    bench.completeOldest();
    assert.deepEqual(bench.answered, ["a", "b"]);
    bench.completeOldest();
    assert.deepEqual(bench.answered, ["a", "b", "c", "d"]);
  });

  it("keeps rejected timeouts in the order", () => {
    const policy = makeQueuePolicy({ defaultTimeoutUs: 100 });
    const bench = new SchedulerBench({
      max: 1,
      batching: { preserveOrdering: true, defaultQueuePolicy: policy },
    });
    bench.keepBusy();
    const { sink } = bench.send("late");
    bench.clock.endTurn();
    bench.clock.advance(100);
    assert.deepEqual(bench.answered, []);
    bench.completeOldest();
    assert.deepEqual(bench.answered, ["busy", "late"]);
    assert.equal(sink.failures[0]?.message, "Request timeout expired");
  });

  it("gives refused requests no place in the order", () => {
    const bench = new SchedulerBench({
      max: 1,
      batching: { preserveOrdering: true, defaultQueuePolicy: makeQueuePolicy({ maxQueueSize: 1 }) },
    });
    bench.keepBusy();
    bench.send("a");
    assert.notEqual(bench.offer("refused").refusal, null);
    bench.completeOldest();
    bench.send("b");
    bench.drain();
    assert.deepEqual(bench.answered, ["busy", "a", "b"]);
  });

  it("lets responses leave as they come without it", () => {
    const bench = new SchedulerBench({ max: 1, capacity: 2 });
    for (const id of ["a", "b"]) bench.send(id);
    bench.clock.endTurn();
    bench.pool.running.reverse();
    bench.completeOldest();
    assert.deepEqual(bench.answered, ["b"]);
    bench.drain();
  });
});

describe("ResponseOrder", () => {
  it("keeps the memory of a response that it holds, and of no other", () => {
    const order = new ResponseOrder();
    const first = makeRequest();
    const second = makeRequest();
    order.add(first.request);
    order.add(second.request);
    let retainedCount = 0;
    const counted = (): InferenceResponse => response(() => retainedCount++);
    second.request.complete(counted());
    assert.equal(retainedCount, 1);
    first.request.complete(counted());
    assert.equal(retainedCount, 1);
    assert.equal(second.sink.responses.length, 1);
  });

  it("passes the responses of a decoupled request on as they come, once it is its turn", () => {
    const order = new ResponseOrder();
    const first = makeRequest();
    const second = makeRequest();
    const third = makeRequest();
    for (const { request } of [first, second, third]) order.add(request);
    second.request.respond(response());
    second.request.respondFailure(failure("INTERNAL", "one of them"));
    third.request.end();
    assert.equal(second.sink.responses.length, 0);
    first.request.end();
    assert.deepEqual([second.sink.responses.length, second.sink.failures.length], [1, 1]);
    second.request.respond(response());
    assert.equal(second.sink.responses.length, 2);
    assert.equal(third.sink.answerCount, 0);
    second.request.end();
    assert.deepEqual(
      [first, second, third].map(({ sink }) => sink.answerCount),
      [1, 1, 1],
    );
  });
});
