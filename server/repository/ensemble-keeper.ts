import { StatusError } from "../core/status.ts";
import type { ModelEntry } from "./model-entry.ts";
import type { ModelLifecycle } from "./model-lifecycle.ts";
import type { ModelQueues } from "./model-queues.ts";

/**
 * Keeps ensembles in step with the models that they need: they go down with them, come back with them, and are checked
 * again when one of them has been replaced.
 *
 * @see contract §5.5
 */
export class EnsembleKeeper {
  readonly #entries: ReadonlyMap<string, ModelEntry>;
  readonly #lifecycle: ModelLifecycle;
  readonly #queues: ModelQueues;

  constructor(entries: ReadonlyMap<string, ModelEntry>, lifecycle: ModelLifecycle, queues: ModelQueues) {
    this.#entries = entries;
    this.#lifecycle = lifecycle;
    this.#queues = queues;
  }

  /** Whether an ensemble that serves, or waits for a model, needs this model. */
  areUsing(modelName: string): boolean {
    return this.#usersOf(modelName).length > 0;
  }

  /** Takes down the ensembles that need a model which is about to go, and those that need them. */
  park(modelName: string): void {
    for (const entry of this.#usersOf(modelName)) {
      if (entry.isParked) continue;
      this.park(entry.name);
      // The directory that a client sent goes with the last version that used it.
      if (entry.plan?.overrideDirectory !== null) entry.plan = null;
      this.#lifecycle.unload(
        entry,
        `ensemble '${entry.name}' depends on '${modelName}' which has no loaded version`,
      );
      entry.isParked = true;
    }
  }

  /**
   * Loads the ensembles that need a model which has come or has been replaced, and those that need them. One that does
   * not fit any more is unloaded.
   *
   * @param except - Names that their own loads see to.
   */
  async refresh(modelName: string, except: ReadonlySet<string>): Promise<void> {
    for (const entry of this.#usersOf(modelName)) {
      if (except.has(entry.name)) continue;
      await this.#queues.run(entry.name, () => this.#reload(entry));
      if (entry.latestReady !== null) await this.refresh(entry.name, except);
    }
  }

  async #reload(entry: ModelEntry): Promise<void> {
    // It may have been unloaded while it waited for its turn.
    if (entry.plan === null) return;
    try {
      const failed = await this.#lifecycle.load(entry, entry.plan);
      if (failed === null) return;
      this.park(entry.name);
      this.#lifecycle.unload(entry, failed.reason);
      this.#lifecycle.fail(entry, failed.reason);
      entry.isParked = true;
    } catch (thrown) {
      this.#lifecycle.fail(entry, StatusError.from(thrown).message);
    }
  }

  #usersOf(modelName: string): ModelEntry[] {
    const isUser = (entry: ModelEntry): boolean =>
      entry.plan !== null && entry.stepModels.includes(modelName);
    return [...this.#entries.values()].filter(isUser);
  }
}
