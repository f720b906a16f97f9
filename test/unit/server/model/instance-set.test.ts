import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { HostedInstance, InstanceListener } from "../../../../backends/worker/hosted-instance.ts";
import type { Backend, ModelInstanceInit } from "../../../../backends/backend.ts";
import { onnxRuntimeBackend } from "../../../../backends/onnxruntime/onnxruntime-backend.ts";
import { StatusError } from "../../../../server/core/status.ts";
import { batchSpecOf } from "../../../../server/model/batch-spec.ts";
import { CoreBudget } from "../../../../server/model/core-budget.ts";
import { type InstancePlan, planInstances } from "../../../../server/model/instance-plan.ts";
import { InstanceSet } from "../../../../server/model/instance-set.ts";
import { LoadSlots } from "../../../../server/model/load-slots.ts";
import type { InstanceGroup } from "../../../../server/model-config/model-config.ts";
import { Deferred, settle } from "../../../helpers/deferred.ts";
import { ManualInstance } from "../../../helpers/manual-instance.ts";
import { makeModelConfig } from "../../../helpers/model-config.ts";

/** An instance that is loaded when the test says so. */
class LoadingInstance extends ManualInstance implements HostedInstance {
  readonly loaded = new Deferred<null>();
  listener: InstanceListener | null = null;

  signature(): Promise<null> {
    return this.loaded.promise;
  }

  completion(): Promise<null> {
    return Promise.resolve(null);
  }

  bind(_spec: unknown, listener: InstanceListener): Promise<void> {
    this.listener = listener;
    return Promise.resolve();
  }
}

function group(parts: Partial<InstanceGroup>): InstanceGroup {
  const defaults = { name: "m", kind: "KIND_CPU", count: 1, gpus: [], isPassive: false } as const;
  return { ...defaults, rateLimiter: null, ...parts };
}

function planOf(...groups: Partial<InstanceGroup>[]): InstancePlan {
  return planInstances({
    config: makeModelConfig({ instanceGroup: groups.map(group) }),
    version: "1",
    modelPath: "/models/m/1/model.onnx",
    settings: { intraOpThreadCount: 1, options: {} },
    coreBudget: new CoreBudget(4),
    gpuDeviceIds: () => [0, 1],
  });
}

/** A set, and every instance that it has ever started. */
class SetBench {
  readonly started: LoadingInstance[] = [];
  readonly crashes: string[] = [];
  readonly set: InstanceSet;
  /** Instances are loaded as soon as they are started. */
  areLoadedAtOnce = true;

  constructor(slotCount = 4) {
    const config = makeModelConfig({});
    this.set = new InstanceSet({
      backend: onnxRuntimeBackend,
      recipe: { config, spec: batchSpecOf(config), seats: new Map(), warmup: [] },
      observer: {
        onDispatch: () => undefined,
        onExecution: () => undefined,
        onResponse: () => undefined,
        onCrash: (reason, next) => this.crashes.push(`${reason}; ${next}`),
      },
      startInstance: (_backend: Backend, { instanceName }: ModelInstanceInit) => {
        const instance = new LoadingInstance(instanceName);
        this.started.push(instance);
        if (this.areLoadedAtOnce) instance.loaded.resolve(null);
        return instance;
      },
      starts: new LoadSlots(slotCount),
    });
  }

  static async of(...groups: Partial<InstanceGroup>[]): Promise<SetBench> {
    const bench = new SetBench();
    const plan = planOf(...groups);
    (await bench.set.prepare(plan)).apply();
    return bench;
  }

  /** Names of the instances that work, in the order in which they came; others are told by how they ended. */
  get alive(): string[] {
    return this.started.filter(({ ends }) => ends.length === 0).map(({ name }) => name);
  }
}

describe("InstanceSet", () => {
  it("loads what a plan has and it has not, and only then lets it work", async () => {
    const bench = new SetBench();
    const change = await bench.set.prepare(planOf({ count: 2 }));
    assert.deepEqual([change.addedCount, change.removedCount], [2, 0]);
    assert.equal(bench.set.pool.instanceCount, 0);
    change.apply();
    assert.equal(bench.set.pool.instanceCount, 2);
    assert.deepEqual(bench.alive, ["m_0", "m_1"]);
  });

  it("lets superfluous instances end after what they have in hand, and leaves the others alone", async () => {
    const bench = await SetBench.of({ count: 3 });
    const change = await bench.set.prepare(planOf({ count: 1 }));
    assert.deepEqual([change.addedCount, change.removedCount], [0, 2]);
    assert.equal(bench.alive.length, 3);
    change.apply();
    assert.deepEqual(
      bench.started.map(({ name, ends }) => [name, ...ends]),
      [["m_0"], ["m_1", "finalize"], ["m_2", "finalize"]],
    );
    assert.equal(bench.set.pool.instanceCount, 1);
  });

  it("keeps instances that fit under the names that they have (row 96)", async () => {
    const bench = await SetBench.of({ name: "a", count: 2 }, { name: "b", kind: "KIND_GPU", gpus: [1] });
    const change = await bench.set.prepare(
      planOf({ name: "other", kind: "KIND_GPU", gpus: [1] }, { name: "new", count: 2 }),
    );
    assert.deepEqual([change.addedCount, change.removedCount], [0, 0]);
    change.apply();
    assert.deepEqual(bench.alive, ["a_0", "a_1", "b_0"]);
  });

  it("gives a new instance a name that none of those has which stay", async () => {
    const bench = await SetBench.of({ count: 2 });
    // The CPU instance that stays may be either of the two; the one for the GPU must not be called like it.
    (await bench.set.prepare(planOf({ kind: "KIND_GPU", gpus: [0] }, { count: 2, name: "n" }))).apply();
    assert.equal(new Set(bench.alive).size, 3);
    assert.deepEqual(bench.alive.slice(0, 2), ["m_0", "m_1"]);
  });

  it("takes another device, or a passive instance that shall work, for another place", async () => {
    const bench = await SetBench.of({ kind: "KIND_GPU", gpus: [0] }, { name: "p", isPassive: true });
    assert.equal(bench.set.pool.instanceCount, 1, "a passive instance does not work");
    const change = await bench.set.prepare(planOf({ kind: "KIND_GPU", gpus: [1] }, { name: "p" }));
    assert.deepEqual([change.addedCount, change.removedCount], [2, 2]);
    change.apply();
    assert.equal(bench.set.pool.instanceCount, 2);
    assert.deepEqual(bench.started.filter(({ ends }) => ends.length > 0).length, 2);
  });

  it("says whether a plan would take instances away", async () => {
    const bench = await SetBench.of({ count: 2 });
    assert.ok(bench.set.isSmallerIn(planOf({ count: 1 })));
    assert.ok(bench.set.isSmallerIn(planOf({ count: 2, kind: "KIND_GPU", gpus: [0] })));
    assert.ok(!bench.set.isSmallerIn(planOf({ count: 2 })));
    assert.ok(!bench.set.isSmallerIn(planOf({ count: 5, name: "other" })));
  });

  it("changes nothing when one new instance cannot be loaded, and ends the others", async () => {
    const bench = await SetBench.of({ count: 1 });
    bench.areLoadedAtOnce = false;
    const prepared = bench.set.prepare(planOf({ count: 3 }));
    await settle();
    const [old, good, bad] = bench.started as [LoadingInstance, LoadingInstance, LoadingInstance];
    bad.loaded.reject(new StatusError("INTERNAL", "no memory"));
    await settle();
    good.loaded.resolve(null);
    await assert.rejects(prepared, { message: "no memory" });
    assert.deepEqual(good.ends, ["terminate"]);
    assert.deepEqual(old.ends, []);
    assert.equal(bench.set.pool.instanceCount, 1);
    bench.areLoadedAtOnce = true;
    (await bench.set.prepare(planOf({ count: 3 }))).apply();
    assert.equal(bench.set.pool.instanceCount, 3);
  });

  it("ends what it has loaded when the change is discarded", async () => {
    const bench = await SetBench.of({ count: 1 });
    const change = await bench.set.prepare(planOf({ count: 2 }));
    await change.discard();
    assert.deepEqual(bench.alive, ["m_0"]);
    assert.equal(bench.set.pool.instanceCount, 1);
  });

  it("loads no more instances at once than the server allows", async () => {
    const bench = new SetBench(2);
    bench.areLoadedAtOnce = false;
    const prepared = bench.set.prepare(planOf({ count: 3 }));
    await settle();
    assert.equal(bench.started.length, 2);
    bench.started[0]!.loaded.resolve(null);
    await settle();
    assert.equal(bench.started.length, 3);
    for (const { loaded } of bench.started) loaded.resolve(null);
    assert.equal((await prepared).addedCount, 3);
  });

  it("replaces an instance that dies, with the place that it had", async () => {
    const bench = await SetBench.of({ count: 2 });
    const [first] = bench.started as [LoadingInstance];
    first.listener?.onCrash(first, "died");
    await settle();
    assert.deepEqual(bench.crashes, ["died; restarting it"]);
    assert.deepEqual(
      bench.started.map(({ name }) => name),
      ["m_0", "m_1", "m_0"],
    );
    assert.equal(bench.set.pool.instanceCount, 2);
    assert.ok(!bench.set.isSmallerIn(planOf({ count: 2 })));
  });

  it("does not take an instance back that died and was taken out while it was replaced", async () => {
    const bench = await SetBench.of({ count: 2 });
    bench.areLoadedAtOnce = false;
    const [, second] = bench.started as [LoadingInstance, LoadingInstance];
    second.listener?.onCrash(second, "died");
    await settle();
    (await bench.set.prepare(planOf({ count: 1 }))).apply();
    bench.started[2]?.loaded.resolve(null);
    await settle();
    assert.deepEqual(bench.started[2]?.ends, ["terminate"]);
    assert.equal(bench.set.pool.instanceCount, 1);
  });
});
