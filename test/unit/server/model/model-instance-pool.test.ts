import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { StatusError } from "../../../../server/core/status.ts";
import { type FormAhead, ModelInstancePool } from "../../../../server/model/model-instance-pool.ts";
import { Deferred, settle } from "../../../helpers/deferred.ts";
import { ManualInstance } from "../../../helpers/manual-instance.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

/** A pool whose restarts end when the test says so. */
class Bench {
  readonly log: string[] = [];
  readonly instances: ManualInstance[] = [];
  readonly restarts: { readonly name: string; readonly loaded: Deferred<ManualInstance> }[] = [];
  readonly pool: ModelInstancePool;
  capacityCalls = 0;

  constructor(
    names: string | readonly string[] = [],
    formAhead: FormAhead = "whileShort",
    passive: string[] = [],
  ) {
    this.pool = new ModelInstancePool(
      {
        onDispatch: (count) => this.log.push(`dispatch ${count}`),
        onExecution: (rows) => this.log.push(`execution ${rows}`),
        onResponse: (index, outcome) => this.log.push(`response ${index} ${outcome}`),
        onCrash: (reason, next) => this.log.push(`${reason}: ${next}`),
      },
      (name) => {
        const loaded = new Deferred<ManualInstance>();
        this.restarts.push({ name, loaded });
        return loaded.promise;
      },
      { formAhead, passive: new Set(passive) },
    );
    this.pool.onCapacity(() => this.capacityCalls++);
    for (const name of typeof names === "string" ? [names] : names) {
      const instance = new ManualInstance(name);
      this.instances.push(instance);
      this.pool.add(instance);
    }
  }

  /** Hands a batch of one request to the pool. @returns The name of the instance that got it. */
  execute(): string {
    const before = this.instances.map(({ executed }) => executed.length);
    this.pool.execute([makeRequest().request]);
    return this.instances.find(({ executed }, i) => executed.length > (before[i] ?? 0))?.name ?? "nobody";
  }

  /** The oldest batch of an instance ends after `executionUs`. */
  end(instance: ManualInstance, executionUs: number, hasSucceeded = true): void {
    instance.batchesUnderWay--;
    const times = {
      computeStartUs: 1_000,
      computeInputEndUs: 1_000,
      computeOutputStartUs: 1_000,
      computeEndUs: 1_000 + executionUs,
    };
    this.pool.onBatchEnd(instance, 1, times, hasSucceeded);
  }

  /** The instance dies. */
  crash(instance: ManualInstance): void {
    instance.batchesUnderWay = 0;
    this.pool.onCrash(instance, `${instance.name} died`);
  }

  /** Restart number `index` succeeds. */
  async restarted(index: number): Promise<ManualInstance> {
    const { name, loaded } = this.restarts[index]!;
    const instance = new ManualInstance(name);
    this.instances.push(instance);
    loaded.resolve(instance);
    await settle();
    return instance;
  }

  async restartFails(index: number): Promise<void> {
    this.restarts[index]!.loaded.reject(new StatusError("INTERNAL", "no memory"));
    await settle();
  }
}

describe("ModelInstancePool", () => {
  describe("passive instances", () => {
    it("get no work and count for nothing", () => {
      const bench = new Bench(["a", "b"], "whileShort", ["b"]);
      assert.equal(bench.pool.instanceCount, 1);
      assert.equal(bench.execute(), "a");
      assert.equal(bench.pool.hasCapacity(), false);
    });

    it("are released with the others", async () => {
      const bench = new Bench(["a", "b"], "whileShort", ["b"]);
      await bench.pool.finalize();
      assert.deepEqual(
        bench.instances.map(({ ends }) => ends),
        [["finalize"], ["finalize"]],
      );
    });

    it("are replaced as passive ones when they die", async () => {
      const bench = new Bench(["a", "b"], "whileShort", ["b"]);
      bench.crash(bench.instances[1]!);
      await bench.restarted(0);
      assert.equal(bench.pool.instanceCount, 1);
      assert.equal(bench.execute(), "a");
      await bench.pool.terminate();
      assert.deepEqual(bench.instances[2]?.ends, ["terminate"]);
    });
  });

  it("tells how long each execution took", () => {
    const bench = new Bench("a");
    const heard: number[][] = [];
    bench.pool.onExecuted((rows, executionUs) => heard.push([rows, executionUs]));
    bench.execute();
    bench.end(bench.instances[0]!, 70);
    bench.execute();
    bench.end(bench.instances[0]!, 90, false);
    assert.deepEqual(heard, [
      [1, 70],
      [1, 90],
    ]);
  });

  describe("picking an instance", () => {
    it("has no capacity without instances", () => {
      assert.equal(new Bench().pool.hasCapacity(), false);
    });

    it("takes one batch per instance while nothing is known of their length", () => {
      const bench = new Bench(["a", "b"]);
      assert.deepEqual([bench.execute(), bench.execute()].sort(), ["a", "b"]);
      assert.equal(bench.pool.hasCapacity(), false);
      assert.throws(() => bench.execute(), /execute without capacity/);
    });

    it("takes no more than an instance says, however short executions are", () => {
      const bench = new Bench("a");
      const [a] = bench.instances;
      a!.maxBatchesUnderWay = 1;
      bench.execute();
      bench.end(a!, 500);
      bench.execute();
      assert.equal(bench.pool.hasCapacity(), false);
    });

    it("takes a second batch for busy instances when executions are short, idle ones first", () => {
      const bench = new Bench(["a", "b"]);
      const [a, b] = bench.instances;
      bench.execute();
      bench.end(a!, 500);
      a!.batchesUnderWay = 1;
      assert.equal(bench.execute(), "b");
      bench.execute();
      bench.execute();
      assert.deepEqual([a!.batchesUnderWay, b!.batchesUnderWay], [2, 2]);
      assert.equal(bench.pool.hasCapacity(), false);
    });

    it("does not form batches ahead when executions are long", () => {
      const bench = new Bench("a");
      bench.execute();
      bench.end(bench.instances[0]!, 4_000);
      bench.execute();
      assert.equal(bench.pool.hasCapacity(), false);
    });

    it("forms no batches ahead where it must not, and always where it is told to", () => {
      const has = (formAhead: FormAhead, executionUs: number): boolean => {
        const bench = new Bench("a", formAhead);
        bench.execute();
        bench.end(bench.instances[0]!, executionUs);
        bench.execute();
        return bench.pool.hasCapacity();
      };
      assert.deepEqual([has("never", 10), has("never", 50_000)], [false, false]);
      assert.deepEqual([has("always", 10), has("always", 50_000)], [true, true]);
    });

    it("follows the mean when executions become long, and short again", () => {
      const bench = new Bench("a");
      const [a] = bench.instances;
      const formsAhead = (): boolean => {
        a!.batchesUnderWay = 1;
        const result = bench.pool.hasCapacity();
        a!.batchesUnderWay = 0;
        return result;
      };
      bench.end(a!, 1_000);
      assert.ok(formsAhead());
      for (let i = 0; i < 60; i++) bench.end(a!, 50_000);
      assert.ok(!formsAhead());
      for (let i = 0; i < 60; i++) bench.end(a!, 1_000);
      assert.ok(formsAhead());
    });

    it("tells the observer of requests that leave and executions that end, then the scheduler", () => {
      const bench = new Bench("a");
      bench.pool.execute([makeRequest().request, makeRequest().request]);
      assert.deepEqual(bench.log, ["dispatch 2"]);
      bench.end(bench.instances[0]!, 10);
      assert.deepEqual(bench.log, ["dispatch 2", "execution 1"]);
      assert.equal(bench.capacityCalls, 1);
    });

    it("tells the scheduler, but not the observer, of executions that fail", () => {
      const bench = new Bench("a");
      bench.pool.execute([makeRequest().request]);
      bench.end(bench.instances[0]!, 10, false);
      assert.deepEqual(bench.log, ["dispatch 1"]);
      assert.equal(bench.capacityCalls, 1);
    });
  });

  describe("lanes", () => {
    it("are the instances that take work, in order, and run what they are given", () => {
      const bench = new Bench(["a", "b"]);
      const [a, b] = bench.pool.lanes();
      assert.ok(a !== undefined && b !== undefined);
      const filler = makeRequest().request;
      filler.isFiller = true;
      b.execute([makeRequest().request, filler]);
      assert.deepEqual([a.batchesUnderWay, b.batchesUnderWay], [0, 1]);
      assert.deepEqual([a.hasCapacity(), b.hasCapacity()], [true, false]);
      assert.equal(bench.instances[1]?.executed.length, 1);
      // Nobody has waited for a filler.
      assert.deepEqual(bench.log, ["dispatch 1"]);
      assert.equal(bench.pool.lanes(), bench.pool.lanes());
    });

    it("go with their instances, and others come with those that take their places", async () => {
      const bench = new Bench(["a", "b"]);
      const before = bench.pool.lanes();
      bench.crash(bench.instances[0]!);
      assert.deepEqual(bench.pool.lanes(), [before[1]]);
      assert.equal(before[0]?.hasCapacity(), false);
      assert.equal(bench.capacityCalls, 1);
      await bench.restarted(0);
      const [b, a] = bench.pool.lanes();
      assert.equal(b, before[1]);
      assert.ok(a !== undefined && a !== before[0] && a.hasCapacity());
    });
  });

  describe("crashes", () => {
    it("replaces an instance that died, under its name, and goes on with the others meanwhile", async () => {
      const bench = new Bench(["a", "b"]);
      bench.crash(bench.instances[0]!);
      assert.equal(bench.pool.instanceCount, 1);
      assert.deepEqual(bench.log, ["a died: restarting it"]);
      assert.equal(bench.restarts[0]?.name, "a");
      assert.equal(bench.execute(), "b");
      assert.equal(bench.pool.hasCapacity(), false);
      await bench.restarted(0);
      // Once when the lane went, once when it came back.
      assert.equal(bench.capacityCalls, 2);
      assert.equal(bench.execute(), "a");
      assert.equal(bench.pool.brokenReason(), null);
    });

    it("gives up after three restarts without an execution in between", async () => {
      const bench = new Bench("a");
      for (let i = 0; i < 3; i++) {
        bench.crash(bench.instances.at(-1)!);
        await bench.restarted(i);
      }
      assert.equal(bench.pool.brokenReason(), null);
      const calls = bench.capacityCalls;
      bench.crash(bench.instances.at(-1)!);
      assert.equal(bench.log.at(-1), "a died: it has died too often and is given up");
      assert.deepEqual(bench.pool.brokenReason(), {
        code: "UNAVAILABLE",
        message: "No instance of the model is left: a died",
      });
      assert.equal(bench.capacityCalls, calls + 2);
      assert.equal(bench.restarts.length, 3);
    });

    it("counts restarts anew after an execution", async () => {
      const bench = new Bench("a");
      for (let i = 0; i < 8; i++) {
        bench.crash(bench.instances.at(-1)!);
        const instance = await bench.restarted(i);
        bench.execute();
        bench.end(instance, 10);
      }
      assert.equal(bench.pool.brokenReason(), null);
      assert.equal(bench.restarts.length, 8);
    });

    it("gives up an instance that cannot be restarted, and is broken when it was the last", async () => {
      const bench = new Bench(["a", "b"]);
      bench.crash(bench.instances[0]!);
      await bench.restartFails(0);
      assert.equal(bench.log.at(-1), "no memory: it could not be restarted and is given up");
      assert.equal(bench.pool.brokenReason(), null);
      bench.crash(bench.instances[1]!);
      await bench.restartFails(1);
      assert.equal(bench.pool.brokenReason()?.message, "No instance of the model is left: no memory");
    });

    it("is not broken while a restart may still succeed", async () => {
      const bench = new Bench(["a", "b"]);
      bench.crash(bench.instances[0]!);
      bench.crash(bench.instances[1]!);
      await bench.restartFails(0);
      assert.equal(bench.pool.brokenReason(), null);
      await bench.restarted(1);
      assert.equal(bench.execute(), "b");
    });
  });

  describe("the end", () => {
    it("finalize releases every instance and restarts none that dies then", async () => {
      const bench = new Bench(["a", "b"]);
      const [a, b] = bench.instances;
      await bench.pool.finalize();
      assert.deepEqual([a!.ends, b!.ends], [["finalize"], ["finalize"]]);
      bench.crash(a!);
      assert.equal(bench.restarts.length, 0);
      assert.deepEqual(bench.log, []);
    });

    it("finalize waits for all instances, although one of them fails", async () => {
      const bench = new Bench(["a", "b"]);
      const released = new Deferred<void>();
      bench.instances[0]!.finalized = Promise.reject(new StatusError("INTERNAL", "stuck"));
      bench.instances[1]!.finalized = released.promise;
      let isDone = false;
      const done = assert.rejects(bench.pool.finalize(), { message: "stuck" }).then(() => (isDone = true));
      await settle();
      assert.equal(isDone, false);
      released.resolve();
      await done;
    });

    it("finalize waits for an instance that is being restarted, and ends it", async () => {
      const bench = new Bench("a");
      bench.crash(bench.instances[0]!);
      let isDone = false;
      const done = bench.pool.finalize().then(() => (isDone = true));
      await settle();
      assert.equal(isDone, false);
      const late = await bench.restarted(0);
      await done;
      assert.deepEqual(late.ends, ["terminate"]);
      assert.equal(bench.pool.hasCapacity(), false);
    });

    it("finalize is done when an instance cannot be restarted", async () => {
      const bench = new Bench("a");
      bench.crash(bench.instances[0]!);
      const done = bench.pool.finalize();
      await bench.restartFails(0);
      await done;
    });

    it("terminate waits for an instance that is being restarted, and ends it", async () => {
      const bench = new Bench("a");
      bench.crash(bench.instances[0]!);
      let isDone = false;
      const done = bench.pool.terminate().then(() => (isDone = true));
      await settle();
      assert.equal(isDone, false);
      const late = await bench.restarted(0);
      await done;
      assert.deepEqual(late.ends, ["terminate"]);
    });

    it("terminate ends all instances and breaks the pool, so that nobody waits for it", async () => {
      const bench = new Bench("a");
      await bench.pool.terminate();
      assert.deepEqual(bench.instances[0]!.ends, ["terminate"]);
      assert.equal(bench.pool.brokenReason()?.code, "UNAVAILABLE");
      assert.equal(bench.capacityCalls, 1);
    });
  });
});
