import type { HostedInstance, InstanceListener } from "../../backends/worker/hosted-instance.ts";
import type { InstanceLane, InstancePool } from "../../schedulers/scheduler.ts";
import type { BatchTimes } from "../core/batch-times.ts";
import type { InferenceRequest } from "../core/inference-request.ts";
import type { ResponseOutcome, ResponseTimes } from "../core/response-times.ts";
import { failure, type Status, StatusError } from "../core/status.ts";

/** What the pool needs of an instance. */
export type PooledInstance = Pick<
  HostedInstance,
  "name" | "batchesUnderWay" | "maxBatchesUnderWay" | "execute" | "finalize" | "terminate"
>;

/** Hears what the instances do. */
export interface PoolObserver {
  /** `count` requests left the scheduler for an instance, in a batch that may hold fillers besides. */
  onDispatch(count: number, batch: readonly InferenceRequest[]): void;
  /** An execution of `rows` batch rows succeeded. Those that fail are told of by their requests only. */
  onExecution(rows: number, times: BatchTimes): void;
  /** A request of a decoupled model got its answer number `index`, from 0. */
  onResponse(index: number, outcome: ResponseOutcome, times: ResponseTimes): void;
  /** An instance died. `next` says what happens now, for the log. */
  onCrash(reason: string, next: string): void;
}

/**
 * Whether an instance gets its next batch while it still executes one: only while its executions are short enough for
 * the hand-over to show, always, or never.
 */
export type FormAhead = "whileShort" | "always" | "never";

/**
 * Below this mean execution time an instance gets its next batch while the current one still runs. A hop between
 * threads costs up to 100 µs, which is much beside a short execution and nothing beside a long one, where a batch
 * formed early would only be smaller than it could have been and beyond the reach of a cancellation.
 */
const formAheadBelowUs = 4_000;
/** Weight of the newest execution in the running mean. */
const meanWeight = 0.1;
/** Restarts without a successful batch in between, before an instance is given up. */
const maxRestarts = 3;

const terminated = failure("UNAVAILABLE", "Model was ended before the request could run");

/** How a pool is used, apart from its instances. */
export interface PoolRules {
  readonly formAhead: FormAhead;
  /** Names of the instances that are kept loaded and never given work. */
  readonly passive: ReadonlySet<string>;
}

const defaultRules: PoolRules = { formAhead: "whileShort", passive: new Set() };

/** One instance, for schedulers that pick it themselves. */
class Lane implements InstanceLane {
  readonly instance: PooledInstance;
  /** The instance has died. */
  isLost = false;
  readonly #limit: (instance: PooledInstance) => number;
  readonly #execute: (instance: PooledInstance, batch: InferenceRequest[]) => void;

  constructor(
    instance: PooledInstance,
    limit: (instance: PooledInstance) => number,
    execute: (instance: PooledInstance, batch: InferenceRequest[]) => void,
  ) {
    this.instance = instance;
    this.#limit = limit;
    this.#execute = execute;
  }

  get batchesUnderWay(): number {
    return this.instance.batchesUnderWay;
  }

  hasCapacity(): boolean {
    return !this.isLost && this.instance.batchesUnderWay < this.#limit(this.instance);
  }

  execute(batch: InferenceRequest[]): void {
    this.#execute(this.instance, batch);
  }
}

/** The instances of one model version: picks one for each batch and replaces those that die. */
export class ModelInstancePool implements InstancePool, InstanceListener {
  readonly #instances: PooledInstance[] = [];
  readonly #passive: PooledInstance[] = [];
  /** One for each instance that takes work; replaced, not changed. */
  #lanes: readonly Lane[] = [];
  readonly #observer: PoolObserver;
  readonly #restart: (name: string) => Promise<PooledInstance>;
  readonly #rules: PoolRules;
  #onCapacity: () => void = () => undefined;
  #onExecuted: (rows: number, executionUs: number) => void = () => undefined;
  #meanExecutionUs = Number.POSITIVE_INFINITY;
  #restartsLeft = maxRestarts;
  /** Instances that are being loaded in place of dead ones. */
  readonly #replacements = new Set<Promise<void>>();
  #isClosed = false;
  #lastProblem = "";
  #broken: Status = null;

  /** @param restart - Loads a new instance in place of a dead one. */
  constructor(
    observer: PoolObserver,
    restart: (name: string) => Promise<PooledInstance>,
    rules: PoolRules = defaultRules,
  ) {
    this.#observer = observer;
    this.#restart = restart;
    this.#rules = rules;
  }

  /** Adds a bound instance. */
  add(instance: PooledInstance): void {
    const list = this.#listOf(instance);
    list.push(instance);
    if (list !== this.#instances) return;
    this.#lanes = [...this.#lanes, new Lane(instance, this.#limit, this.#executeOn)];
  }

  lanes(): readonly InstanceLane[] {
    return this.#lanes;
  }

  #listOf(instance: PooledInstance): PooledInstance[] {
    return this.#rules.passive.has(instance.name) ? this.#passive : this.#instances;
  }

  get instanceCount(): number {
    return this.#instances.length;
  }

  hasCapacity(): boolean {
    return this.#pick() !== null;
  }

  execute(batch: InferenceRequest[]): void {
    const instance = this.#pick();
    if (instance === null) throw new Error("execute without capacity. This is a bug.");
    this.#executeOn(instance, batch);
  }

  readonly #executeOn = (instance: PooledInstance, batch: InferenceRequest[]): void => {
    // Nobody has waited for the fillers.
    const count = batch.reduce((sum, request) => sum + (request.isFiller ? 0 : 1), 0);
    this.#observer.onDispatch(count, batch);
    instance.execute(batch);
  };

  onCapacity(listener: () => void): void {
    this.#onCapacity = listener;
  }

  onExecuted(listener: (rows: number, executionUs: number) => void): void {
    this.#onExecuted = listener;
  }

  brokenReason(): Status {
    return this.#broken;
  }

  onBatchEnd(_instance: unknown, rows: number, times: BatchTimes, hasSucceeded: boolean): void {
    const executionUs = times.computeEndUs - times.computeStartUs;
    this.#meanExecutionUs = Number.isFinite(this.#meanExecutionUs)
      ? this.#meanExecutionUs + meanWeight * (executionUs - this.#meanExecutionUs)
      : executionUs;
    this.#restartsLeft = maxRestarts;
    if (hasSucceeded) this.#observer.onExecution(rows, times);
    this.#onExecuted(rows, executionUs);
    this.#onCapacity();
  }

  onResponse(index: number, outcome: ResponseOutcome, times: ResponseTimes): void {
    this.#observer.onResponse(index, outcome, times);
  }

  onCrash(instance: PooledInstance, reason: string): void {
    const list = this.#listOf(instance);
    const position = list.indexOf(instance);
    if (position >= 0) list.splice(position, 1);
    for (const lane of this.#lanes) if (lane.instance === instance) lane.isLost = true;
    this.#lanes = this.#lanes.filter((lane) => !lane.isLost);
    if (this.#isClosed) return;
    // What has to run on this very instance never will.
    this.#onCapacity();
    this.#lastProblem = reason;
    if (this.#restartsLeft === 0) {
      this.#observer.onCrash(reason, "it has died too often and is given up");
      this.#giveUpWhenEmpty();
      return;
    }
    this.#restartsLeft--;
    this.#observer.onCrash(reason, "restarting it");
    const replacement = this.#replace(instance.name).finally(() => {
      this.#replacements.delete(replacement);
      this.#giveUpWhenEmpty();
    });
    this.#replacements.add(replacement);
  }

  /**
   * Lets the batches under way end and releases all instances, those that are still starting included.
   *
   * @throws StatusError when an instance could not release its model; all have ended all the same.
   */
  async finalize(): Promise<void> {
    this.#isClosed = true;
    const ends = await Promise.allSettled([
      ...[...this.#instances, ...this.#passive].map((instance) => instance.finalize()),
      ...this.#replacements,
    ]);
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw StatusError.from(failed.reason);
  }

  /**
   * Ends all instances at once. Requests that they hold fail, and so do those that wait for them.
   *
   * @returns Resolves when all instances have ended, those that are still starting included.
   */
  async terminate(): Promise<void> {
    this.#isClosed = true;
    this.#broken ??= terminated;
    const ends = [...this.#instances, ...this.#passive].map((instance) => instance.terminate());
    // Those that wait must not wait for the instances as well.
    this.#onCapacity();
    await Promise.all([...ends, ...this.#replacements]);
  }

  async #replace(name: string): Promise<void> {
    let instance: PooledInstance;
    try {
      instance = await this.#restart(name);
    } catch (thrown) {
      this.#lastProblem = StatusError.from(thrown).message;
      this.#observer.onCrash(this.#lastProblem, "it could not be restarted and is given up");
      return;
    }
    if (this.#isClosed) {
      await instance.terminate();
      return;
    }
    this.add(instance);
    this.#onCapacity();
  }

  #giveUpWhenEmpty(): void {
    if (this.#isClosed || this.#instances.length > 0 || this.#replacements.size > 0) return;
    this.#broken = failure("UNAVAILABLE", `No instance of the model is left: ${this.#lastProblem}`);
    this.#onCapacity();
  }

  /** Batches that an instance may hold at once. */
  readonly #limit = (instance: PooledInstance): number =>
    Math.min(this.#mayFormAhead() ? 2 : 1, instance.maxBatchesUnderWay);

  #mayFormAhead(): boolean {
    const { formAhead } = this.#rules;
    if (formAhead === "whileShort") return this.#meanExecutionUs < formAheadBelowUs;
    return formAhead === "always";
  }

  /** The instance with the least to do that may take a batch; idle ones first. */
  #pick(): PooledInstance | null {
    let best: PooledInstance | null = null;
    for (const instance of this.#instances) {
      if (instance.batchesUnderWay >= this.#limit(instance)) continue;
      if (instance.batchesUnderWay === 0) return instance;
      best ??= instance;
    }
    return best;
  }
}
