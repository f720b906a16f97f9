import type { ProfilerClock } from "../clock.ts";
import { PerfError } from "../exit-code.ts";
import { type MetricsReading, readMetricsPage } from "./metrics-reading.ts";

/** Fetches a metrics page. Rejects when there is none. */
export type FetchPage = (url: string, signal: AbortSignal) => Promise<string>;

/** Longer than any page takes; a server that hangs must not keep the program. */
const fetchTimeoutMs = 10_000;

/** Over HTTP. */
export const fetchMetricsPage: FetchPage = async (url, signal) => {
  const response = await fetch(url, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMs)]),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return text;
};

/** What was read since the last time. */
export interface CollectedMetrics {
  readonly readings: readonly MetricsReading[];
  /** Why a reading failed; `null` when none did. */
  readonly failure: string | null;
}

/** What a collector works with. */
export interface MetricsSource {
  readonly url: string;
  readonly modelName: string;
  readonly intervalMs: number;
  readonly clock: ProfilerClock;
  readonly fetchPage: FetchPage;
}

/** Reads the server's metrics again and again, beside the load. */
export class MetricsCollector {
  readonly #source: MetricsSource;
  readonly #end = new AbortController();
  readonly #loop: Promise<void>;
  #readings: MetricsReading[] = [];
  #failure: string | null = null;

  private constructor(source: MetricsSource) {
    this.#source = source;
    this.#loop = this.#run();
  }

  /** Begins. Rejects with PerfError when the first reading fails: then the URL is wrong. */
  static async start(source: MetricsSource): Promise<MetricsCollector> {
    try {
      readMetricsPage(await source.fetchPage(source.url, new AbortController().signal), source.modelName);
    } catch (thrown) {
      throw new PerfError(
        `--collect-metrics cannot read ${source.url}: ${reasonOf(thrown)}. Give the address of the metrics with --metrics-url`,
      );
    }
    return new MetricsCollector(source);
  }

  /** What was read since the last call. */
  take(): CollectedMetrics {
    const collected = { readings: this.#readings, failure: this.#failure };
    this.#readings = [];
    this.#failure = null;
    return collected;
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { url, modelName, intervalMs, clock, fetchPage } = this.#source;
    const { signal } = this.#end;
    let dueUs = clock.nowUs();
    for (;;) {
      // A page that takes longer than the interval is read as often as it comes.
      dueUs = Math.max(dueUs + intervalMs * 1e3, clock.nowUs());
      await clock.sleepUntil(dueUs, signal);
      if (signal.aborted) return;
      try {
        this.#readings.push(readMetricsPage(await fetchPage(url, signal), modelName));
      } catch (thrown) {
        // A reading that the end cut off has not failed.
        if (!this.#end.signal.aborted) this.#failure = reasonOf(thrown);
      }
    }
  }
}

/** fetch() hides the reason in the cause. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error && thrown.cause instanceof Error) return thrown.cause.message || thrown.message;
  return PerfError.from(thrown).message;
}
