import type { Arrivals } from "./arrival-schedule.ts";

/** How hard the server is loaded. Can be sent to a thread. */
export type LoadLevel =
  | { readonly kind: "concurrency"; readonly concurrency: number }
  | { readonly kind: "rate"; readonly arrivals: Arrivals; readonly value: number };

/** A level, and how many requests it consists of. */
export interface LoadRun {
  readonly level: LoadLevel;
  /** `null`: until it is stopped. */
  readonly requestCount: number | null;
}
