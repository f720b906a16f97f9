import type { Clock } from "../core/clock.ts";

/** Something that had not come to rest when it was last looked at. */
interface Waiting {
  readonly look: string;
  /** When it first looked like that. */
  readonly sinceUs: number;
  /** When it was first asked about. */
  readonly firstUs: number;
}

/**
 * Tells when something that changes has come to rest: when it has looked the same for a while. Who is in the midst of
 * copying a directory changes it more often.
 */
export class ChangeSettler {
  readonly #clock: Clock;
  readonly #settleUs: number;
  /** What is waited for, by key. */
  readonly #waiting = new Map<string, Waiting>();

  /** @param settleMs - How long it must look the same; 0: one look is enough. */
  constructor(clock: Clock, settleMs: number) {
    this.#clock = clock;
    this.#settleUs = settleMs * 1_000;
  }

  /** Whether anything has been asked about that had not come to rest, so that another look is needed. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * @param key - What is asked about.
   * @param look - What it looks like now.
   * @returns Whether it has looked like that for long enough. It is forgotten then.
   */
  isSettled(key: string, look: string): boolean {
    if (this.#settleUs === 0) return true;
    const nowUs = this.#clock.nowUs();
    const known = this.#waiting.get(key);
    if (known?.look !== look) {
      this.#waiting.set(key, { look, sinceUs: nowUs, firstUs: known?.firstUs ?? nowUs });
      return false;
    }
    if (nowUs - known.sinceUs < this.#settleUs) return false;
    this.#waiting.delete(key);
    return true;
  }

  /** How long it has been asked about without having come to rest, µs; 0 when it is not waited for. */
  waitedUs(key: string): number {
    const known = this.#waiting.get(key);
    return known === undefined ? 0 : this.#clock.nowUs() - known.firstUs;
  }

  /** Forgets everything that is not among these keys: it needs no change any more. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#waiting.keys()) if (!keys.has(key)) this.#waiting.delete(key);
  }
}
