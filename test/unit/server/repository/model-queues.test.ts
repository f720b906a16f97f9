import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ModelQueues } from "../../../../server/repository/model-queues.ts";
import { Deferred, settle } from "../../../helpers/deferred.ts";

describe("ModelQueues", () => {
  it("runs operations on one model in order and on others meanwhile", async () => {
    const queues = new ModelQueues();
    const gate = new Deferred<void>();
    const events: string[] = [];
    const first = queues.run("m", async () => {
      await gate.promise;
      events.push("first");
      return 1;
    });
    const second = queues.run("m", () => Promise.resolve(events.push("second")));
    await queues.run("n", () => Promise.resolve(events.push("other")));
    assert.deepEqual(events, ["other"]);
    gate.resolve();
    assert.equal(await first, 1);
    await second;
    assert.deepEqual(events, ["other", "first", "second"]);
  });

  it("hands an error to its caller alone", async () => {
    const queues = new ModelQueues();
    const failed = queues.run("m", () => Promise.reject(new Error("no")));
    const next = queues.run("m", () => Promise.resolve("yes"));
    await assert.rejects(failed, /no/);
    assert.equal(await next, "yes");
  });

  it("idle waits for all that was asked for", async () => {
    const queues = new ModelQueues();
    const gate = new Deferred<void>();
    void queues.run("m", () => gate.promise);
    let isIdle = false;
    const idle = queues.idle().then(() => (isIdle = true));
    await settle();
    assert.equal(isIdle, false);
    gate.resolve();
    await idle;
    await queues.idle();
  });
});
