import type { Arrivals } from "./arrival-schedule.ts";

/** How hard the server is loaded. Can be sent to a thread. */
export type LoadLevel =
  | { readonly kind: "concurrency"; readonly concurrency: number }
  | { readonly kind: "rate"; readonly arrivals: Arrivals; readonly value: number }
  | PeriodicLevel;

/** Requests that are sent in groups: the next one when every request of the last has had some of its responses. */
export interface PeriodicLevel {
  readonly kind: "periodic";
  /** Requests of the first group. */
  readonly start: number;
  /** Of all groups together. */
  readonly end: number;
  /** Requests of each other group. */
  readonly step: number;
  /** Responses that each request must have before the next group is sent. */
  readonly periodResponseCount: number;
}

/** A level, and how many requests it consists of. */
export interface LoadRun {
  readonly level: LoadLevel;
  /** `null`: until it is stopped. */
  readonly requestCount: number | null;
  /** Requests of the data, and of a schedule of set times, that an earlier run has sent. */
  readonly skipCount: number;
}
