import { readFile } from "node:fs/promises";
import { systemClock, type Clock } from "../core/clock.ts";
import { type CpuTimes, cpuTimesFromOs, parseProcStat, utilizationBetween } from "./cpu-times.ts";
import { memoryUsageFromOs, parseProcMeminfo } from "./memory-usage.ts";
import type { HostSample } from "./metric-families.ts";

/** Reads a file of `/proc`; rejects where there is none. */
export type ProcReader = (path: string) => Promise<string>;

/**
 * Two readings closer together than this say nothing about the load between them; a second scraper within this
 * time gets the first one's numbers.
 */
const minIntervalUs = 1_000_000;

/**
 * Utilization and memory of the machine, measured when somebody asks. There is no timer: an idle server sleeps.
 *
 * @remarks On Linux the numbers come from `/proc`, elsewhere from Node's `os` module. In a container both show the
 * whole machine, as Triton does.
 */
export class HostMetrics {
  readonly #clock: Pick<Clock, "nowUs">;
  readonly #readProc: ProcReader;
  #lastTimes: CpuTimes = { busy: 0, idle: 0 };
  #lastUs = Number.NEGATIVE_INFINITY;
  #sample: HostSample = { cpuUtilization: 0, memoryTotalBytes: 0, memoryUsedBytes: 0 };
  #refreshing: Promise<void> | null = null;

  constructor(
    clock: Pick<Clock, "nowUs"> = systemClock,
    readProc: ProcReader = (path) => readFile(path, "utf8"),
  ) {
    this.#clock = clock;
    this.#readProc = readProc;
  }

  /** The numbers of the last {@link refresh}; all 0 before the first. */
  get sample(): HostSample {
    return this.#sample;
  }

  /**
   * Takes new numbers, unless the last ones are fresh. The utilization is that since the last refresh, or since the
   * machine started when this is the first. Never rejects.
   */
  async refresh(): Promise<void> {
    if (this.#clock.nowUs() - this.#lastUs < minIntervalUs) return;
    // Scrapes that come while the files are being read share the reading.
    this.#refreshing ??= this.#measure().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  async #measure(): Promise<void> {
    const [stat, meminfo] = await Promise.all([this.#read("/proc/stat"), this.#read("/proc/meminfo")]);
    const times = (stat === null ? null : parseProcStat(stat)) ?? cpuTimesFromOs();
    const memory = (meminfo === null ? null : parseProcMeminfo(meminfo)) ?? memoryUsageFromOs();
    this.#sample = {
      cpuUtilization: utilizationBetween(this.#lastTimes, times),
      memoryTotalBytes: memory.totalBytes,
      memoryUsedBytes: memory.usedBytes,
    };
    this.#lastTimes = times;
    this.#lastUs = this.#clock.nowUs();
  }

  async #read(path: string): Promise<string | null> {
    try {
      return await this.#readProc(path);
    } catch {
      return null;
    }
  }
}
