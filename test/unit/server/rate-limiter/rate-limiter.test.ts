import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  type InstanceDemand,
  RateLimiter,
  type RateLimiterSeat,
} from "../../../../server/rate-limiter/rate-limiter.ts";
import type { ResourceDemand, ResourceLimit } from "../../../../server/rate-limiter/resource-pool.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";

function resource(name: string, count: number, isGlobal = false): ResourceDemand {
  return { name, count, isGlobal };
}

function demand(resources: ResourceDemand[], parts: Partial<InstanceDemand> = {}): InstanceDemand {
  return { resources, priority: 1, deviceId: 0, ...parts };
}

/** A limiter, and who holds what: instances are known by the name of their model. */
class Bench {
  readonly clock = new ManualClock();
  readonly limiter: RateLimiter;
  readonly granted: string[] = [];

  constructor(limits: ResourceLimit[] = []) {
    this.limiter = new RateLimiter(limits, this.clock);
  }

  admit(name: string, ...demands: InstanceDemand[]): RateLimiterSeat[] {
    return [...this.limiter.admit(name, demands)];
  }

  stage(...seats: RateLimiterSeat[]): void {
    for (const seat of seats) seat.stage(() => this.granted.push(seat.modelName));
  }

  release(seat: RateLimiterSeat): void {
    seat.release();
    this.clock.endTurn();
  }

  usage(): Record<string, string> {
    return Object.fromEntries(
      [...this.limiter.usage()].map(([key, { inUse, capacity }]) => [key, `${inUse}/${capacity}`]),
    );
  }
}

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  assert.fail("it was admitted");
}

describe("RateLimiter", () => {
  it("lets in who needs nothing, at once", () => {
    const bench = new Bench();
    const [seat] = bench.admit("m", demand([]));
    bench.stage(seat!);
    assert.deepEqual(bench.granted, ["m"]);
  });

  it("has as much of a resource as the most demanding instance needs, per device and globally", () => {
    const bench = new Bench();
    bench.admit(
      "a",
      demand([resource("R", 4), resource("G", 1, true)]),
      demand([resource("R", 2)], { deviceId: 1 }),
    );
    const [b] = bench.admit("b", demand([resource("r", 7), resource("G", 3, true)]));
    assert.deepEqual(bench.usage(), { "r:0": "0/7", g: "0/3", "r:1": "0/2" });
    bench.limiter.dismiss([b!]);
    assert.deepEqual(bench.usage(), { "r:0": "0/4", g: "0/1", "r:1": "0/2" });
  });

  it("believes the operator: the device before all devices, the last before the first, in any letter case", () => {
    const bench = new Bench([
      { name: "R", count: 5, deviceId: null },
      { name: "r", count: 6, deviceId: null },
      { name: "R", count: 9, deviceId: 1 },
      { name: "G", count: 2, deviceId: 7 },
    ]);
    bench.admit(
      "m",
      demand([resource("R", 1), resource("G", 1, true)]),
      demand([resource("R", 1)], { deviceId: 1 }),
    );
    assert.deepEqual(bench.usage(), { "r:0": "0/6", g: "0/2", "r:1": "0/9" });
  });

  it("refuses an instance that could never run, and takes none of its model in (row 123)", () => {
    const bench = new Bench([{ name: "R", count: 3, deviceId: null }]);
    assert.equal(
      refusal(() => bench.admit("m", demand([resource("R", 3)]), demand([resource("R", 4)]))),
      `rate_limiter of model 'm': resource count for "R" is limited to 3 by --rate-limit-resource, which will prevent scheduling of an instance that needs 4`,
    );
    assert.deepEqual(bench.usage(), {});
  });

  it("refuses a resource that is global and device-specific (row 124)", () => {
    const bench = new Bench();
    assert.match(
      refusal(() => bench.admit("m", demand([resource("R", 1), resource("R", 1, true)]))),
      /global in this model: a resource is present as both global and device-specific/,
    );
    const [seat] = bench.admit("a", demand([resource("R", 1)]));
    assert.match(
      refusal(() => bench.admit("b", demand([resource("r", 1, true)]))),
      /device-specific in model 'a'/,
    );
    // A new copy of the model itself may change its mind.
    bench.admit("a", demand([resource("R", 1, true)]));
    bench.limiter.dismiss([seat!]);
    bench.admit("b", demand([resource("R", 1, true)]));
  });

  it("gives what comes back to those that wait, at the end of the turn", () => {
    const bench = new Bench();
    const [a] = bench.admit("a", demand([resource("R", 1)]));
    const [b] = bench.admit("b", demand([resource("R", 1)]));
    bench.stage(a!, b!);
    assert.deepEqual(bench.granted, ["a"]);
    a!.release();
    assert.deepEqual(bench.granted, ["a"]);
    bench.clock.endTurn();
    assert.deepEqual(bench.granted, ["a", "b"]);
  });

  it("shares by 1 ÷ priority among those that always want", () => {
    const bench = new Bench();
    const seats = [1, 2, 4].map(
      (priority) => bench.admit(`p${priority}`, demand([resource("R", 1)], { priority }))[0]!,
    );
    bench.stage(...seats);
    for (let i = 0; i < 700; i++) {
      const holder = seats.find(({ isHolding }) => isHolding)!;
      holder.release();
      bench.stage(holder);
      bench.clock.endTurn();
    }
    const count = (name: string): number => bench.granted.filter((granted) => granted === name).length;
    assert.ok(
      Math.abs(count("p1") - 400) <= 2 &&
        Math.abs(count("p2") - 200) <= 2 &&
        Math.abs(count("p4") - 100) <= 2,
    );
  });

  it("does not let a newcomer make up for the past", () => {
    const bench = new Bench();
    const [old] = bench.admit("old", demand([resource("R", 1)]));
    bench.stage(old!);
    const turn = (holder: RateLimiterSeat): void => {
      holder.release();
      bench.stage(holder);
      bench.clock.endTurn();
    };
    for (let i = 0; i < 100; i++) turn(old!);
    const [late] = bench.admit("late", demand([resource("R", 1)]));
    bench.stage(late!);
    bench.granted.length = 0;
    for (let i = 0; i < 20; i++) turn(old!.isHolding ? old! : late!);
    assert.ok(
      Math.abs(bench.granted.filter((name) => name === "late").length - 10) <= 1,
      bench.granted.join(),
    );
  });

  it("does not let small demands starve a large one, nor the large one hold back what shares nothing with it", () => {
    const bench = new Bench([{ name: "R", count: 3, deviceId: null }]);
    const small = [0, 1, 2, 3].map(() => bench.admit("small", demand([resource("R", 1)]))[0]!);
    const [large] = bench.admit("large", demand([resource("R", 3)]));
    const [other] = bench.admit("other", demand([resource("S", 1)]));
    bench.stage(small[0]!, small[1]!, large!, small[2]!, small[3]!, other!);
    // The large one waits for what the first two hold; those behind it stay behind it.
    assert.deepEqual(bench.granted, ["small", "small", "other"]);
    bench.release(small[0]!);
    assert.equal(large!.isHolding, false);
    bench.release(small[1]!);
    assert.equal(large!.isHolding, true);
    assert.deepEqual(bench.usage()["r:0"], "3/3");
  });

  it("forgets who asks no more, and lets those behind go", () => {
    const bench = new Bench([{ name: "R", count: 2, deviceId: null }]);
    const seats = [1, 2, 1].map((count, i) => bench.admit(`m${i}`, demand([resource("R", count)]))[0]!);
    bench.stage(...seats);
    assert.deepEqual(bench.granted, ["m0"]);
    seats[1]!.unstage();
    bench.clock.endTurn();
    assert.deepEqual(bench.granted, ["m0", "m2"]);
    seats[1]!.unstage();
    seats[1]!.release();
  });

  it("takes everything back from those that are dismissed", () => {
    const bench = new Bench([{ name: "R", count: 2, deviceId: null }]);
    const [a] = bench.admit("a", demand([resource("R", 2)]));
    const [b] = bench.admit("b", demand([resource("R", 2)]));
    const [c] = bench.admit("c", demand([resource("R", 1)]));
    bench.stage(a!, b!, c!);
    bench.limiter.dismiss([a!, b!]);
    bench.limiter.dismiss([a!]);
    bench.clock.endTurn();
    assert.deepEqual(bench.granted, ["a", "c"]);
    bench.limiter.dismiss([c!]);
    assert.deepEqual(bench.usage(), {});
  });

  it("never gives more than there is, lets everybody have a turn and gets all back, whatever is done", () => {
    let seed = 4242;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let round = 0; round < 100; round++) {
      const limits = ["A", "B"].map((name) => ({ name, count: 2 + random(3), deviceId: null }));
      const bench = new Bench(limits);
      const seats = Array.from({ length: 6 }, (_, i) => {
        const wanted = limits.filter(() => random(2) === 0);
        const resources = wanted.map(({ name, count }) => resource(name, 1 + random(count), name === "B"));
        return bench.admit(`m${i}`, demand(resources, { priority: 1 + random(3), deviceId: random(2) }))[0]!;
      });
      const check = (): void => {
        const inUse = new Map<string, number>();
        for (const seat of seats) {
          if (!seat.isHolding) continue;
          for (const { key, count } of seat.shares) inUse.set(key, (inUse.get(key) ?? 0) + count);
        }
        for (const [key, pool] of bench.limiter.usage()) {
          assert.equal(pool.inUse, inUse.get(key) ?? 0);
          assert.ok(pool.inUse <= pool.capacity);
        }
      };
      for (let step = 0; step < 200; step++) {
        const seat = seats[random(seats.length)]!;
        if (seat.isHolding) seat.release();
        else if (seat.onGranted === null) bench.stage(seat);
        else if (random(4) === 0) seat.unstage();
        if (random(2) === 0) bench.clock.endTurn();
        check();
      }
      // Everybody who wants and holds nothing gets its turn, when the others give back.
      for (const seat of seats) if (!seat.isHolding && seat.onGranted === null) bench.stage(seat);
      const waiting = new Set(seats.filter(({ isHolding }) => !isHolding));
      for (let i = 0; i < 50 && waiting.size > 0; i++) {
        for (const seat of seats) {
          if (!seat.isHolding) continue;
          seat.release();
          bench.stage(seat);
        }
        bench.clock.endTurn();
        for (const seat of seats) if (seat.isHolding) waiting.delete(seat);
      }
      assert.equal(waiting.size, 0, "somebody never had a turn");
      bench.limiter.dismiss(seats);
      assert.deepEqual(bench.usage(), {});
    }
  });
});
