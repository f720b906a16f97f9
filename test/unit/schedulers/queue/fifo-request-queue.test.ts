import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { FifoRequestQueue } from "../../../../schedulers/queue/fifo-request-queue.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

describe("FifoRequestQueue", () => {
  it("serves in the order of arrival, whatever the priority", () => {
    const queue = new FifoRequestQueue();
    const requests = [3, 1, 2].map((priority) => makeRequest({ priority }).request);
    for (const request of requests) assert.equal(queue.push(request), null);
    assert.deepEqual([queue.peek(), queue.peek(2)], [requests[0], requests[2]]);
    assert.ok(queue.remove(requests[1]!));
    assert.deepEqual([queue.shift(), queue.shift(), queue.shift()], [requests[0], requests[2], undefined]);
  });

  it("has no rule against one request passing another", () => {
    assert.ok(new FifoRequestQueue().mayOvertake());
  });

  it("knows no timeouts", () => {
    const queue = new FifoRequestQueue();
    queue.push(makeRequest({ timeoutUs: 1 }).request);
    assert.equal(queue.nextExpiryUs(), Number.POSITIVE_INFINITY);
    assert.equal(queue.takeExpired(), undefined);
    assert.equal(queue.length, 1);
  });
});
