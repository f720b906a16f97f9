import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { FixedQueue } from "../../../../server/core/fixed-queue.ts";

interface Item {
  readonly id: number;
}

type Step =
  | { readonly do: "push" }
  | { readonly do: "shift" }
  | { readonly do: "peek" | "remove"; readonly at: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>({ do: "push" }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: "shift" }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("peek" as const), at: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), at: fc.nat(40) }) },
);

function contentsOf(queue: FixedQueue<Item>): (Item | undefined)[] {
  return Array.from({ length: queue.length }, (_, i) => queue.peek(i));
}

describe("FixedQueue", () => {
  it("behaves like an array under any mixture of operations", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.array(step, { maxLength: 200 }), (capacity, steps) => {
        const queue = new FixedQueue<Item>(capacity);
        const model: Item[] = [];
        for (const [id, action] of steps.entries()) {
          if (action.do === "push") {
            const item = { id };
            queue.push(item);
            model.push(item);
          } else if (action.do === "shift") {
            assert.equal(queue.shift(), model.shift());
          } else if (action.do === "peek") {
            assert.equal(queue.peek(action.at), model[action.at]);
          } else {
            const item = model[action.at] ?? { id: -1 };
            assert.equal(queue.remove(item), model.includes(item));
            if (model.includes(item)) model.splice(model.indexOf(item), 1);
          }
          assert.equal(queue.length, model.length);
        }
        assert.deepEqual(contentsOf(queue), model);
      }),
    );
  });

  it("has nothing to give when it is empty", () => {
    const queue = new FixedQueue<Item>();
    assert.equal(queue.shift(), undefined);
    assert.equal(queue.peek(), undefined);
    assert.equal(queue.remove({ id: 1 }), false);
  });

  it("keeps the order while it grows around the end of its ring", () => {
    const queue = new FixedQueue<Item>(4);
    for (let id = 0; id < 3; id++) queue.push({ id });
    queue.shift();
    queue.shift();
    for (let id = 3; id < 12; id++) queue.push({ id });
    assert.deepEqual(
      contentsOf(queue).map((item) => item?.id),
      [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
  });

  it("removes one occurrence only, the first", () => {
    const [a, b] = [{ id: 1 }, { id: 2 }];
    const queue = new FixedQueue<Item>();
    for (const item of [a, b, a]) queue.push(item);
    assert.ok(queue.remove(a));
    assert.deepEqual(contentsOf(queue), [b, a]);
  });
});
