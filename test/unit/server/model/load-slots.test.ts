import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { LoadSlots } from "../../../../server/model/load-slots.ts";
import { Deferred, settle } from "../../../helpers/deferred.ts";

describe("LoadSlots", () => {
  it("runs no more at a time than there are slots, the first come first", async () => {
    const slots = new LoadSlots(2);
    const gates = Array.from({ length: 4 }, () => new Deferred<void>());
    const started: number[] = [];
    const runs = gates.map((gate, i) =>
      slots.run(async () => {
        started.push(i);
        await gate.promise;
        return i;
      }),
    );
    await settle();
    assert.deepEqual(started, [0, 1]);
    gates[1]!.resolve();
    assert.equal(await runs[1], 1);
    await settle();
    assert.deepEqual(started, [0, 1, 2]);
    for (const gate of gates) gate.resolve();
    assert.deepEqual(await Promise.all(runs), [0, 1, 2, 3]);
  });

  it("frees the slot of what failed", async () => {
    const slots = new LoadSlots(1);
    await assert.rejects(slots.run(() => Promise.reject(new Error("no"))));
    assert.equal(await slots.run(() => Promise.resolve(7)), 7);
  });
});
