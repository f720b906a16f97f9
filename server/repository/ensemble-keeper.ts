import { StatusError } from "../core/status.ts";
import type { ModelEntries } from "./model-entries.ts";
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
  readonly #entries: Pick<ModelEntries, "all" | "resolve">;
  readonly #lifecycle: ModelLifecycle;
  readonly #queues: ModelQueues;

  constructor(
    entries: Pick<ModelEntries, "all" | "resolve">,
    lifecycle: ModelLifecycle,
    queues: ModelQueues,
  ) {
    this.#entries = entries;
    this.#lifecycle = lifecycle;
    this.#queues = queues;
  }

  /** Whether an ensemble that serves, or waits for a model, needs this model. */
  areUsing(model: ModelEntry): boolean {
    return this.#usersOf(model).length > 0;
  }

  /** Takes down the ensembles that need a model which is about to go, and those that need them. */
  park(model: ModelEntry): void {
    for (const entry of this.#usersOf(model)) {
      if (entry.isParked) continue;
      this.park(entry);
      // The directory that a client sent goes with the last version that used it.
      if (entry.plan?.overrideDirectory !== null) entry.plan = null;
      this.#lifecycle.unload(
        entry,
        `ensemble '${entry.name}' depends on '${model.name}' which has no loaded version`,
      );
      entry.isParked = true;
    }
  }

  /**
   * Loads the ensembles that need a model which has come or has been replaced, and those that need them. One that does
   * not fit any more is unloaded.
   *
   * @param except - Ensembles that their own loads see to.
   */
  async refresh(model: ModelEntry, except: ReadonlySet<ModelEntry>): Promise<void> {
    for (const entry of this.#usersOf(model)) {
      if (except.has(entry)) continue;
      await this.#queues.run(entry.name, () => this.#reload(entry));
      if (entry.latestReady !== null) await this.refresh(entry, except);
    }
  }

  async #reload(entry: ModelEntry): Promise<void> {
    // It may have been unloaded while it waited for its turn.
    if (entry.plan === null) return;
    try {
      const failed = await this.#lifecycle.load(entry, entry.plan);
      if (failed === null) return;
      this.park(entry);
      this.#lifecycle.unload(entry, failed.reason);
      this.#lifecycle.fail(entry, failed.reason);
      entry.isParked = true;
    } catch (thrown) {
      this.#lifecycle.fail(entry, StatusError.from(thrown).message);
    }
  }

  /** Ensembles whose step means this model: with namespaces the one of their own repository, if that has it. */
  #usersOf(model: ModelEntry): ModelEntry[] {
    return this.#entries
      .all()
      .filter(
        (entry) =>
          entry.plan !== null &&
          entry.stepModels.includes(model.name) &&
          this.#entries.resolve(model.name, entry.namespace) === model,
      );
  }
}
