import { FixedQueue } from "../core/fixed-queue.ts";
import type { Logger } from "../logging/logger.ts";
import type { InferenceTrace } from "./inference-trace.ts";
import type { SampledRequest, TraceSink } from "./sampled-request.ts";
import { entrySeparator, traceEntries } from "./trace-entries.ts";
import { TraceFile } from "./trace-file.ts";
import type { TraceSetting } from "./trace-setting.ts";

/** Traces that wait to be written at most, and the tensors in them: a disk that is too slow costs traces, not memory. */
const maxWaitingCount = 10_000;
const maxWaitingBytes = 64 * 1024 * 1024;

/** Text that is collected in memory for one setting at most. Then it is written, though its file is not full. */
const maxCollectedLength = 8 * 1024 * 1024;

/** The traces of one setting that are not in a file yet. */
interface Collected {
  entries: string[];
  length: number;
  /** The setting in force when the last one came. */
  setting: TraceSetting;
}

/**
 * Writes traces into files, one after the other and never in the way of a request: turning a trace into text gives way
 * to other work, and the disk is waited for without blocking.
 */
export class FileTraceSink implements TraceSink {
  readonly #file: TraceFile;
  readonly #logger: Logger;
  readonly #waiting = new FixedQueue<SampledRequest>(64);
  readonly #collected = new Map<string, Collected>();
  #waitingBytes = 0;
  #lostCount = 0;
  #hasFailed = false;
  /** The work under way, or the end of it. */
  #work: Promise<void> = Promise.resolve();
  #isWorking = false;
  #isClosed = false;

  constructor(path: string, logger: Logger) {
    this.#file = new TraceFile(path);
    this.#logger = logger;
  }

  submit(sampled: SampledRequest): void {
    if (this.#isClosed) return;
    const bytes = tensorBytes(sampled.trace);
    if (this.#waiting.length >= maxWaitingCount || this.#waitingBytes + bytes > maxWaitingBytes) {
      this.#lose(sampled);
      return;
    }
    this.#waitingBytes += bytes;
    this.#waiting.push(sampled);
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#work = this.#writeWaiting();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
    for (const collected of this.#collected.values()) {
      await this.#attempt(() => this.#write(collected, collected.setting.values.logFrequency > 0));
    }
    await this.#attempt(() => this.#file.close());
    if (this.#lostCount > 1) this.#logger.warning(`${this.#lostCount} traces were lost altogether`);
  }

  async #writeWaiting(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const sampled = next;
      this.#waitingBytes -= tensorBytes(sampled.trace);
      await this.#attempt(async () => this.#collect(sampled.setting, await traceEntries(sampled)));
    }
    this.#isWorking = false;
  }

  async #collect(setting: TraceSetting, entries: string): Promise<void> {
    const { scope, values } = setting;
    const collected = this.#collected.get(scope) ?? { entries: [], length: 0, setting };
    this.#collected.set(scope, collected);
    collected.entries.push(entries);
    collected.length += entries.length;
    collected.setting = setting;
    setting.collect();
    const isFull = values.logFrequency > 0 && collected.entries.length >= values.logFrequency;
    if (isFull || setting.isExhausted) await this.#write(collected, true);
    else if (collected.length > maxCollectedLength) await this.#write(collected, values.logFrequency > 0);
  }

  async #write(collected: Collected, isIndexed: boolean): Promise<void> {
    if (collected.entries.length === 0) return;
    const entries = collected.entries.join(entrySeparator);
    collected.entries = [];
    collected.length = 0;
    if (isIndexed) await this.#file.writeIndexed(entries);
    else await this.#file.append(entries);
  }

  /** A server must not fail because its traces do. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#hasFailed = false;
    } catch (thrown) {
      if (!this.#hasFailed) this.#logger.error("Traces could not be written and are lost", thrown);
      this.#hasFailed = true;
    }
  }

  #lose(sampled: SampledRequest): void {
    sampled.setting.collect();
    this.#lostCount++;
    if (this.#lostCount > 1) return;
    this.#logger.warning(
      "A trace was lost: more are made than can be written. Raise trace_rate to make fewer",
    );
  }
}

/** What the copies of tensors take. */
function tensorBytes(trace: InferenceTrace): number {
  let bytes = 0;
  for (const tensor of trace.tensors) bytes += tensor.bytes.byteLength;
  for (const child of trace.children) bytes += tensorBytes(child);
  return bytes;
}
