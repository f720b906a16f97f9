import type { Clock } from "../core/clock.ts";
import { StatusError } from "../core/status.ts";
import { type ResourceDemand, type ResourceLimit, ResourcePool } from "./resource-pool.ts";

/** What one instance needs for an execution. */
export interface InstanceDemand {
  readonly resources: readonly ResourceDemand[];
  /** At least 1. With 2 it executes half as often as with 1, while both wait. */
  readonly priority: number;
  /** Index of its GPU; 0 for instances on the CPU. */
  readonly deviceId: number;
}

/** A resource of a seat. */
interface Share {
  readonly key: string;
  readonly pool: ResourcePool;
  readonly count: number;
}

/** An instance's place at the limiter: idle → {@link stage} → granted → {@link release} → idle. */
export class RateLimiterSeat {
  readonly modelName: string;
  readonly demand: InstanceDemand;
  /** @internal */
  readonly shares: readonly Share[];
  /** @internal The lowest goes first: executions × priority, see {@link RateLimiter}. */
  turn = 0;
  /** @internal Breaks ties: who has waited longer. */
  stagedOrder = 0;
  /** @internal Called when it is granted; `null`: it does not wait. */
  onGranted: (() => void) | null = null;
  #isHolding = false;
  readonly #limiter: RateLimiter;

  /** @internal */
  constructor(limiter: RateLimiter, modelName: string, demand: InstanceDemand, shares: readonly Share[]) {
    this.#limiter = limiter;
    this.modelName = modelName;
    this.demand = demand;
    this.shares = shares;
  }

  /** It has been granted and has not given back. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** Asks for the instance's resources. @param onGranted - Called once, at once or later, unless {@link unstage} is. */
  stage(onGranted: () => void): void {
    this.onGranted = onGranted;
    this.#limiter.onStaged(this);
  }

  /** Asks no more. Fine when it does not. */
  unstage(): void {
    if (this.onGranted === null) return;
    this.onGranted = null;
    this.#limiter.onUnstaged(this);
  }

  /** Gives the resources back. Fine when it holds none. */
  release(): void {
    if (!this.#isHolding) return;
    this.#isHolding = false;
    this.#limiter.onReleased(this);
  }

  /** @internal */
  grant(): void {
    const { onGranted } = this;
    this.onGranted = null;
    this.#isHolding = true;
    onGranted?.();
  }
}

/**
 * Lets instances of all models execute only while they hold what their configs say they need.
 *
 * @remarks
 * Of those that wait, the one with the fewest executions × priority goes first, so that shares of a resource that
 * everybody wants are as 1 ÷ priority. One that has not waited for a long time, or is new, starts where the others are:
 * it must not make up for a past in which it wanted nothing.
 *
 * Whoever cannot go keeps those behind it from what it waits for, and from nothing else: small demands do not starve a
 * large one, and models that share no resource do not know of each other.
 *
 * What has come back is given out at the end of the turn, when the instance that gave it back has had the chance to ask
 * again.
 *
 * @see contract §6.8
 */
export class RateLimiter {
  readonly #limits: readonly ResourceLimit[];
  readonly #clock: Pick<Clock, "endOfTurn">;
  readonly #pools = new Map<string, ResourcePool>();
  readonly #seats = new Set<RateLimiterSeat>();
  readonly #staged: RateLimiterSeat[] = [];
  #stagedCount = 0;
  #isGrantDue = false;

  /** @param limits - Of those for one resource, the last one counts, and one for the device before one for all. */
  constructor(limits: readonly ResourceLimit[], clock: Pick<Clock, "endOfTurn">) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Takes the instances of a model in, all or none.
   *
   * @returns A seat for each demand, in order. The caller gives them to {@link dismiss} when the instances have ended.
   * @throws StatusError INVALID_ARG: an instance could never run, or a resource is global here and not elsewhere.
   */
  admit(modelName: string, demands: readonly InstanceDemand[]): readonly RateLimiterSeat[] {
    for (const demand of demands) this.#check(modelName, demand, demands);
    return demands.map((demand) => {
      const shares = demand.resources.map((resource) => {
        const key = keyOf(resource, demand.deviceId);
        let pool = this.#pools.get(key);
        if (pool === undefined) {
          pool = new ResourcePool(this.#explicitCount(resource, demand.deviceId));
          this.#pools.set(key, pool);
        }
        pool.addDemand(resource.count);
        return { key, pool, count: resource.count };
      });
      const seat = new RateLimiterSeat(this, modelName, demand, shares);
      this.#seats.add(seat);
      return seat;
    });
  }

  /** Forgets the seats: whatever they hold comes back. Fine for those that are forgotten already. */
  dismiss(seats: readonly RateLimiterSeat[]): void {
    for (const seat of seats) {
      if (!this.#seats.delete(seat)) continue;
      seat.unstage();
      seat.release();
      for (const { key, pool, count } of seat.shares) if (pool.removeDemand(count)) this.#pools.delete(key);
    }
    // Less may be there now than somebody waits for with a claim, or nobody may stand in the way any more.
    this.#grantSoon();
  }

  /** What is in use now, by resource: `name` for global ones, `name:device` for the others. For tests and diagnosis. */
  usage(): ReadonlyMap<string, { readonly inUse: number; readonly capacity: number }> {
    return new Map([...this.#pools].map(([key, { inUse, capacity }]) => [key, { inUse, capacity }]));
  }

  /** @internal */
  onStaged(seat: RateLimiterSeat): void {
    for (const { pool } of seat.shares) seat.turn = Math.max(seat.turn, pool.turn);
    seat.stagedOrder = this.#stagedCount++;
    this.#staged.push(seat);
    if (!this.#isGrantDue) this.#grant();
  }

  /** @internal */
  onUnstaged(seat: RateLimiterSeat): void {
    this.#staged.splice(this.#staged.indexOf(seat), 1);
    this.#grantSoon();
  }

  /** @internal */
  onReleased(seat: RateLimiterSeat): void {
    for (const { pool, count } of seat.shares) pool.giveBack(count);
    this.#grantSoon();
  }

  #grantSoon(): void {
    if (this.#isGrantDue || this.#staged.length === 0) return;
    this.#isGrantDue = true;
    this.#clock.endOfTurn(() => {
      this.#isGrantDue = false;
      this.#grant();
    });
  }

  #grant(): void {
    this.#staged.sort((a, b) => a.turn - b.turn || a.stagedOrder - b.stagedOrder);
    const claimed = new Set<ResourcePool>();
    const granted: RateLimiterSeat[] = [];
    for (const seat of this.#staged) {
      if (seat.shares.every(({ pool, count }) => pool.has(count) && !claimed.has(pool))) {
        for (const { pool, count } of seat.shares) {
          pool.take(count);
          pool.turn = Math.max(pool.turn, seat.turn);
        }
        seat.turn += seat.demand.priority;
        granted.push(seat);
      } else {
        for (const { pool } of seat.shares) claimed.add(pool);
      }
    }
    for (const seat of granted) this.#staged.splice(this.#staged.indexOf(seat), 1);
    // Only now: an execution that fails at once gives back while it is being granted.
    for (const seat of granted) seat.grant();
  }

  #check(modelName: string, demand: InstanceDemand, all: readonly InstanceDemand[]): void {
    for (const resource of demand.resources) {
      const { name, isGlobal, count } = resource;
      const isOther = (other: ResourceDemand): boolean =>
        fold(other.name) === fold(name) && other.isGlobal !== isGlobal;
      const isInModel = all.some(({ resources }) => resources.some(isOther));
      // A copy of the model that is being replaced does not count.
      const elsewhere = [...this.#seats].find(
        (seat) => seat.modelName !== modelName && seat.demand.resources.some(isOther),
      );
      if (isInModel || elsewhere !== undefined) {
        const where = isInModel ? "this model" : `model '${elsewhere?.modelName ?? ""}'`;
        throw new StatusError(
          "INVALID_ARG",
          `rate_limiter of model '${modelName}': resource "${name}" is ${isGlobal ? "global" : "device-specific"} here and ${isGlobal ? "device-specific" : "global"} in ${where}: a resource is present as both global and device-specific`,
        );
      }
      const limit = this.#explicitCount(resource, demand.deviceId);
      if (limit !== null && count > limit) {
        throw new StatusError(
          "INVALID_ARG",
          `rate_limiter of model '${modelName}': resource count for "${name}" is limited to ${limit} by --rate-limit-resource, which will prevent scheduling of an instance that needs ${count}`,
        );
      }
    }
  }

  /** What the operator said of the resource; `null`: nothing. */
  #explicitCount({ name, isGlobal }: ResourceDemand, deviceId: number): number | null {
    const named = this.#limits.filter((limit) => fold(limit.name) === fold(name));
    const exact = isGlobal ? undefined : named.findLast((limit) => limit.deviceId === deviceId);
    const general = named.findLast((limit) => isGlobal || limit.deviceId === null);
    return (exact ?? general)?.count ?? null;
  }
}

/** Names mean the same in any letter case. */
function fold(name: string): string {
  return name.toLowerCase();
}

function keyOf({ name, isGlobal }: ResourceDemand, deviceId: number): string {
  return isGlobal ? fold(name) : `${fold(name)}:${deviceId}`;
}
