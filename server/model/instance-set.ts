import type { Backend, ModelInstanceInit } from "../../backends/backend.ts";
import type { HostedInstance } from "../../backends/worker/hosted-instance.ts";
import { bringUpInstance, type InstanceRecipe } from "./instance-recipe.ts";
import type { InstancePlan } from "./instance-plan.ts";
import type { LoadSlots } from "./load-slots.ts";
import { ModelInstancePool, type PooledInstance, type PoolObserver } from "./model-instance-pool.ts";
import { formAheadOf } from "./scheduler-factory.ts";

/** What the instances of one model version are made of. */
export interface InstanceSetParts {
  readonly backend: Backend;
  readonly recipe: InstanceRecipe;
  readonly observer: PoolObserver;
  readonly startInstance: (backend: Backend, init: ModelInstanceInit) => HostedInstance;
  /** Bounds how many instances load at the same time, in the whole server. */
  readonly starts: LoadSlots;
}

/** Instances that are loaded and wait to take the place of others. Either method is called, once. */
export interface InstanceChange {
  readonly addedCount: number;
  readonly removedCount: number;
  /** Lets the new instances work and the superfluous ones end after what they have in hand. */
  apply(): void;
  /** Ends the new instances; the old ones stay. */
  discard(): Promise<void>;
}

/** The instances of one model version: replaces those that die, and changes how many there are while the others work. */
export class InstanceSet {
  readonly pool: ModelInstancePool;
  readonly #parts: InstanceSetParts;
  readonly #inits = new Map<string, ModelInstanceInit>();
  readonly #passive = new Set<string>();

  constructor(parts: InstanceSetParts) {
    this.#parts = parts;
    this.pool = new ModelInstancePool(parts.observer, (name) => this.#restart(name), {
      formAhead: formAheadOf(parts.recipe.config),
      passive: this.#passive,
    });
  }

  /** Makes an instance that has been loaded ready, and lets it work. @param plan - Where the instance is from. */
  async add(instance: HostedInstance, init: ModelInstanceInit, plan: InstancePlan): Promise<void> {
    this.#admit(await this.#bringUp(instance), init, plan.passive.has(init.instanceName));
  }

  /** Whether this set has instances that the plan has not. */
  isSmallerIn(plan: InstancePlan): boolean {
    return this.#compare(plan).superfluous.size > 0;
  }

  /**
   * Loads what the plan has and this set has not. Instances are told apart by where they run, not by name or order, so
   * that those which fit stay, under the names and with the threads that they have.
   *
   * @throws StatusError when an instance could not be loaded; then nothing has changed.
   */
  async prepare(plan: InstancePlan): Promise<InstanceChange> {
    const { superfluous, missing } = this.#compare(plan);
    const staying = new Set([...this.#inits.keys()].filter((name) => !superfluous.has(name)));
    const added = await this.#load(missing.map((init) => withFreeName(init, staying, plan)));
    return {
      addedCount: added.length,
      removedCount: superfluous.size,
      apply: () => {
        for (const name of superfluous.keys()) this.#remove(name);
        for (const { instance, init, isPassive } of added) this.#admit(instance, init, isPassive);
      },
      discard: async () => {
        await Promise.all(added.map(({ instance }) => instance.terminate()));
      },
    };
  }

  #compare(plan: InstancePlan): {
    readonly superfluous: ReadonlyMap<string, ModelInstanceInit>;
    readonly missing: readonly ModelInstanceInit[];
  } {
    const superfluous = new Map(this.#inits);
    const missing: ModelInstanceInit[] = [];
    for (const init of plan.inits) {
      const place = placeOf(init, plan.passive.has(init.instanceName));
      const fits = (known: ModelInstanceInit): boolean =>
        placeOf(known, this.#passive.has(known.instanceName)) === place;
      const same = superfluous.get(init.instanceName);
      const match = same !== undefined && fits(same) ? same : [...superfluous.values()].find(fits);
      if (match === undefined) missing.push(init);
      else superfluous.delete(match.instanceName);
    }
    return { superfluous, missing };
  }

  async #load(inits: readonly NamedInit[]): Promise<(NamedInit & { readonly instance: PooledInstance })[]> {
    const instances: HostedInstance[] = [];
    const loads = inits.map((named) =>
      this.#parts.starts.run(async () => {
        const instance = this.#parts.startInstance(this.#parts.backend, named.init);
        instances.push(instance);
        return { ...named, instance: await this.#bringUp(instance) };
      }),
    );
    const ends = await Promise.allSettled(loads);
    const failed = ends.find((end) => end.status === "rejected");
    if (failed === undefined) return Promise.all(loads);
    await Promise.all(instances.map((instance) => instance.terminate()));
    throw failed.reason;
  }

  async #restart(name: string): Promise<PooledInstance> {
    const init = this.#inits.get(name);
    if (init === undefined) throw new Error(`Unknown instance '${name}'. This is a bug.`);
    return this.#bringUp(this.#parts.startInstance(this.#parts.backend, init));
  }

  #bringUp(instance: HostedInstance): Promise<PooledInstance> {
    return bringUpInstance(instance, this.pool, this.#parts.recipe);
  }

  #admit(instance: PooledInstance, init: ModelInstanceInit, isPassive: boolean): void {
    this.#inits.set(instance.name, init);
    if (isPassive) this.#passive.add(instance.name);
    this.pool.join(instance);
  }

  #remove(name: string): void {
    this.#inits.delete(name);
    this.pool.remove(name);
    this.#passive.delete(name);
  }
}

interface NamedInit {
  readonly init: ModelInstanceInit;
  readonly isPassive: boolean;
}

/** What must be equal for an instance to stay. Threads are left out: they cannot change without a new session. */
function placeOf({ kind, deviceId }: ModelInstanceInit, isPassive: boolean): string {
  return JSON.stringify([kind, deviceId, isPassive]);
}

/** An instance that stays keeps its name, which may be the one that the plan has for a new one. */
function withFreeName(init: ModelInstanceInit, taken: Set<string>, plan: InstancePlan): NamedInit {
  let instanceName = init.instanceName;
  for (let number = plan.inits.length; taken.has(instanceName); number++) {
    instanceName = `${init.instanceName.replace(/_\d+$/, "")}_${number}`;
  }
  taken.add(instanceName);
  return { init: { ...init, instanceName }, isPassive: plan.passive.has(init.instanceName) };
}
