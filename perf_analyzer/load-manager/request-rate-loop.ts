import type { LoadClient } from "../client-backend/exchange.ts";
import { monotonicNowUs } from "../clock.ts";
import { type Arrivals, ArrivalSchedule } from "./arrival-schedule.ts";
import { LoadLoop } from "./load-loop.ts";
import type { LoadPlan } from "./load-plan.ts";
import type { RequestSource, ThreadShare } from "./request-source.ts";

/** Below this the loop polls: a timer would fire up to a millisecond late. */
const pollBelowUs = 2_000;

/** What a thread sends of a schedule. */
export interface RateShare {
  readonly arrivals: Arrivals;
  readonly share: ThreadShare;
  readonly startUs: number;
  readonly requestCount: number | null;
  /** Outstanding requests, and with sequences live ones; `null` for no bound. */
  readonly slotCount: number | null;
}

/**
 * Sends requests when their time has come, whether or not earlier ones are answered. A request that finds no free slot
 * waits for one, and its latency has begun when it should have been sent: a server that stalls cannot hide the requests that
 * it kept from being sent ("coordinated omission").
 */
export class RequestRateLoop extends LoadLoop {
  readonly #schedule: ArrivalSchedule;
  readonly #rate: RateShare;
  #nextUs = 0;
  #freeSlots: number[];
  #slotCount = 0;
  #isArmed = false;
  #idleUs = 0;
  #pausedUs = 0;
  readonly #wake = (): void => this.#onWake();

  constructor(client: LoadClient, plan: LoadPlan, source: RequestSource, rate: RateShare) {
    super(client, plan, source, rate.requestCount);
    this.#schedule = new ArrivalSchedule(rate.arrivals);
    this.#rate = rate;
    this.#freeSlots = Array.from({ length: rate.slotCount ?? 0 }, (_, i) => i);
  }

  start(): void {
    for (let i = 0; i < this.#rate.share.index; i++) this.#schedule.next();
    this.#advance();
    this.#run();
  }

  protected onFree(slot: number): void {
    this.#freeSlots.push(slot);
    this.#run();
  }

  protected takeIdleUs(): number {
    const idleUs = this.#idleUs;
    this.#idleUs = 0;
    return idleUs;
  }

  #advance(): void {
    this.#nextUs = this.#rate.startUs + this.#schedule.next();
    for (let i = 1; i < this.#rate.share.count; i++) this.#schedule.next();
  }

  #onWake(): void {
    this.#isArmed = false;
    this.#idleUs += monotonicNowUs() - this.#pausedUs;
    this.#run();
  }

  #run(): void {
    while (!this.isStopped && this.leftCount > 0 && monotonicNowUs() >= this.#nextUs) {
      const slot = this.#freeSlots.pop() ?? (this.#rate.slotCount === null ? this.#slotCount++ : null);
      // The next response goes on from here.
      if (slot === null) return;
      this.send(slot, this.#nextUs);
      this.#advance();
    }
    if (this.isStopped || this.leftCount === 0 || this.#isArmed) return;
    this.#isArmed = true;
    this.#pausedUs = monotonicNowUs();
    const leftUs = this.#nextUs - this.#pausedUs;
    // Wakes a millisecond early and polls the rest.
    if (leftUs >= pollBelowUs) setTimeout(this.#wake, Math.floor(leftUs / 1e3) - 1);
    else setImmediate(this.#wake);
  }
}
