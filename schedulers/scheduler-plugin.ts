import type { Clock } from "../server/core/clock.ts";
import type { ModelConfig } from "../server/model-config/model-config.ts";
import type { InstancePool, Scheduler } from "./scheduler.ts";

/** What a scheduler of somebody else's is made from. */
export interface SchedulerContext {
  /** Complete and checked. `config.parameters` may hold settings of the scheduler's own. */
  readonly config: ModelConfig;
  readonly pool: InstancePool;
  /** Use it for every time and timer: tests put a virtual one in its place. */
  readonly clock: Clock;
}

/** A kind of scheduler that models choose by name: `"parameters": {"scheduler": {"string_value": "<name>"}}`. */
export interface SchedulerPlugin {
  readonly name: string;
  /**
   * Makes the scheduler of one model version, at its load.
   *
   * @throws Error (a StatusError for a status of its own) when the config is not right for it: the load fails with its
   * message.
   */
  createScheduler(context: SchedulerContext): Scheduler;
}
