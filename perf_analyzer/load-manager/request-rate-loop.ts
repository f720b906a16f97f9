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
  readonly requestCount: number | null;
  /** Outstanding requests, and with sequences live ones; `null` for no bound. */
  readonly slotCount: number | null;
  /** Whether a slot waits for its response before its next request: else slots take turns. Ignored without a bound. */
  readonly isSerial: boolean;
  /** Requests of the schedule that an earlier run has sent. */
  readonly skipCount: number;
}

/**
 * Sends requests when their time has come, whether or not earlier ones are answered. A request that finds no free slot
 * waits for one, and its latency has begun when it should have been sent: a server that stalls cannot hide the requests that
 * it kept from being sent ("coordinated omission").
 */
export class RequestRateLoop extends LoadLoop {
  readonly #schedule: ArrivalSchedule;
  readonly #rate: RateShare;
  #startUs = 0;
  #nextUs = 0;
  #freeSlots: number[];
  #slotCount = 0;
  #turn = 0;
  #isArmed = false;
  #timer: NodeJS.Timeout | null = null;
  #idleUs = 0;
  /** Since when there is nothing to do; `null` while there is. */
  #pausedUs: number | null = null;
  readonly #wake = (): void => this.#onWake();

  constructor(client: LoadClient, plan: LoadPlan, source: RequestSource, rate: RateShare) {
    super(client, plan, source, rate.requestCount);
    this.#schedule = new ArrivalSchedule(rate.arrivals);
    this.#rate = rate;
    this.#freeSlots = Array.from({ length: rate.slotCount ?? 0 }, (_, i) => i);
  }

  start(startUs: number): void {
    this.#startUs = startUs;
    const { share, skipCount } = this.#rate;
    for (let i = 0; i < share.index + skipCount; i++) this.#schedule.next();
    this.#advance();
    this.#resume();
  }

  override stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    return super.stop();
  }

  protected onFree(slot: number): void {
    if (this.#waitsForSlots()) this.#freeSlots.push(slot);
    this.#resume();
  }

  protected takeIdleUs(): number {
    const idleUs = this.#idleUs;
    this.#idleUs = 0;
    return idleUs;
  }

  #advance(): void {
    this.#nextUs = this.#startUs + this.#schedule.next();
    for (let i = 1; i < this.#rate.share.count; i++) this.#schedule.next();
  }

  #onWake(): void {
    this.#isArmed = false;
    this.#resume();
  }

  #resume(): void {
    if (this.#pausedUs !== null) this.#idleUs += monotonicNowUs() - this.#pausedUs;
    this.#pausedUs = null;
    this.#run();
    this.#pausedUs = monotonicNowUs();
  }

  #waitsForSlots(): boolean {
    return this.#rate.isSerial || this.#rate.slotCount === null;
  }

  /** @returns `null` when all wait for their responses. */
  #takeSlot(): number | null {
    const { slotCount } = this.#rate;
    if (!this.#waitsForSlots()) return this.#turn++ % (slotCount ?? 1);
    return this.#freeSlots.pop() ?? (slotCount === null ? this.#slotCount++ : null);
  }

  #run(): void {
    while (!this.isStopped && this.leftCount > 0 && monotonicNowUs() >= this.#nextUs) {
      const slot = this.#takeSlot();
      // The next response goes on from here.
      if (slot === null) return;
      this.send(slot, this.#nextUs);
      this.#advance();
    }
    if (this.isStopped || this.leftCount === 0 || this.#isArmed) return;
    this.#isArmed = true;
    const leftUs = this.#nextUs - monotonicNowUs();
    // Wakes a millisecond early and polls the rest.
    if (leftUs >= pollBelowUs) this.#timer = setTimeout(this.#wake, Math.floor(leftUs / 1e3) - 1);
    else setImmediate(this.#wake);
  }
}
