import type { Backend } from "../../backends/backend.ts";
import type { SchedulerPlugin } from "../../schedulers/scheduler-plugin.ts";
import { nearest } from "../core/edit-distance.ts";
import { StatusError } from "../core/status.ts";

/** Backends and schedulers by name: those of the server, then those that were added. */
export class ExtensionRegistry {
  readonly #backends: Backend[];
  readonly #schedulers = new Map<string, SchedulerPlugin>();

  /** @param backends - The server's own. */
  constructor(backends: readonly Backend[]) {
    this.#backends = [...backends];
  }

  /** In the order in which they were added. The array grows while the server starts. */
  get backends(): readonly Backend[] {
    return this.#backends;
  }

  /** @throws StatusError ALREADY_EXISTS for a name that is taken. */
  addBackend(backend: Backend): void {
    if (this.#backends.some(({ name }) => name === backend.name)) {
      throw new StatusError(
        "ALREADY_EXISTS",
        `backend '${backend.name}' exists already: give it another name`,
      );
    }
    this.#backends.push(backend);
  }

  /** @throws StatusError ALREADY_EXISTS for a name that is taken. */
  addScheduler(scheduler: SchedulerPlugin): void {
    if (this.#schedulers.has(scheduler.name)) {
      throw new StatusError(
        "ALREADY_EXISTS",
        `scheduler '${scheduler.name}' exists already: give it another name`,
      );
    }
    this.#schedulers.set(scheduler.name, scheduler);
  }

  /** @throws StatusError INVALID_ARG when there is none of that name, with those that there are. */
  scheduler(name: string): SchedulerPlugin {
    const found = this.#schedulers.get(name);
    if (found !== undefined) return found;
    const names = [...this.#schedulers.keys()];
    const suggestion = nearest(name, names);
    const hint = suggestion === null ? "" : `, did you mean '${suggestion}'?`;
    const known = names.length === 0 ? "none has been added (see --backend-directory)" : names.join(", ");
    throw new StatusError(
      "INVALID_ARG",
      `parameters["scheduler"]: there is no scheduler '${name}'${hint === "" ? ";" : hint} added are: ${known}`,
    );
  }
}
