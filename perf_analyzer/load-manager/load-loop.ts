import { isDeepStrictEqual } from "node:util";
import { Exchange, type LoadClient, type OutputTensor } from "../client-backend/exchange.ts";
import { monotonicNowUs } from "../clock.ts";
import type { LoadAnswer, LoadPlan } from "./load-plan.ts";
import { RecordWriter } from "./request-records.ts";
import type { RequestSource } from "./request-source.ts";

/** Node's timers count whole milliseconds: what is sent within one is not late. */
export const lateThresholdUs = 1_000;

/**
 * What the loops have in common: sends the requests of a source, checks and records what comes back. The first failure
 * ends the level: its numbers would mean nothing.
 */
export abstract class LoadLoop {
  protected outstandingCount = 0;
  protected isStopped = false;
  protected leftCount: number;
  readonly #client: LoadClient;
  readonly #plan: LoadPlan;
  readonly #source: RequestSource;
  readonly #records = new RecordWriter();
  #outputs: (readonly OutputTensor[])[] = [];
  #sentCount = 0;
  #lateCount = 0;
  #lagUs = 0;
  #failedCount = 0;
  #failure: string | null = null;
  #onDrained: (() => void) | null = null;
  readonly #done: (exchange: Exchange) => void;

  /** @param requestCount - `null`: until it is stopped. */
  protected constructor(
    client: LoadClient,
    plan: LoadPlan,
    source: RequestSource,
    requestCount: number | null,
  ) {
    this.#client = client;
    this.#plan = plan;
    this.#source = source;
    this.leftCount = requestCount ?? Number.POSITIVE_INFINITY;
    this.#done = (exchange) => this.#finish(exchange);
  }

  /** @param startUs - When schedules begin; the loop itself begins at once. */
  abstract start(startUs: number): void;

  /** A slot has its response: it may have the next request. */
  protected abstract onFree(slot: number): void;

  /** How long there was nothing to do since the last call. */
  protected abstract takeIdleUs(): number;

  /** Sends no more. Resolves when all responses have come. */
  async stop(): Promise<void> {
    this.isStopped = true;
    if (this.outstandingCount === 0) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
  }

  /** What happened since the last call. */
  collect(): LoadAnswer {
    const answer = {
      rows: this.#records.take(),
      outputs: this.#outputs.map((outputs) =>
        outputs.map(({ name, datatype, data }) => ({ name, datatype, data: new Uint8Array(data) })),
      ),
      idleUs: this.takeIdleUs(),
      sentCount: this.#sentCount,
      lateCount: this.#lateCount,
      lagUs: this.#lagUs,
      failedCount: this.#failedCount,
      failure: this.#failure,
      isFinished: this.outstandingCount === 0 && (this.leftCount === 0 || this.isStopped),
    };
    this.#outputs = [];
    this.#sentCount = 0;
    this.#lateCount = 0;
    this.#lagUs = 0;
    this.#failedCount = 0;
    return answer;
  }

  /** @param intendedUs - `null`: now. */
  protected send(slot: number, intendedUs: number | null): void {
    const { contentIndex, sequence } = this.#source.next(slot);
    const exchange = new Exchange();
    exchange.templateIndex = contentIndex;
    exchange.sequence = sequence;
    exchange.slotIndex = slot;
    this.outstandingCount++;
    this.leftCount--;
    this.#sentCount++;
    const nowUs = monotonicNowUs();
    exchange.intendedUs = intendedUs ?? nowUs;
    const lagUs = nowUs - exchange.intendedUs;
    this.#lagUs += lagUs;
    if (lagUs > lateThresholdUs) this.#lateCount++;
    this.#client.send(exchange, this.#done);
  }

  #finish(exchange: Exchange): void {
    this.outstandingCount--;
    const error = exchange.error ?? this.#check(exchange);
    if (error !== null) {
      this.#failedCount++;
      this.#failure ??= error;
      this.isStopped = true;
    } else {
      this.#records.push({
        intendedUs: exchange.intendedUs,
        sendStartUs: exchange.sendStartUs,
        sendEndUs: exchange.sendEndUs,
        receiveStartUs: exchange.receiveStartUs,
        firstResponseUs: exchange.firstResponseUs,
        lastResponseUs: exchange.lastResponseUs,
        endUs: exchange.endUs,
        responseCount: exchange.responseCount,
        contentIndex: exchange.templateIndex,
        sequenceId: exchange.sequence?.id ?? 0,
      });
    }
    if (!this.isStopped) this.onFree(exchange.slotIndex);
    if (this.outstandingCount === 0 && this.isStopped) this.#onDrained?.();
  }

  /** Reads and compares the outputs, where somebody wants them. Returns what is wrong, or `null`. */
  #check(exchange: Exchange): string | null {
    const expected = this.#plan.expected[exchange.templateIndex] ?? null;
    if (expected === null && !this.#plan.exportsOutputs) return null;
    let outputs: readonly OutputTensor[];
    try {
      outputs = this.#client.decodeOutputs(exchange);
    } catch (thrown) {
      return `the response cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    }
    for (const { name, data } of expected ?? []) {
      const output = outputs.find((each) => each.name === name);
      if (output === undefined) return `output "${name}" is missing in a response`;
      if (!isDeepStrictEqual(new Uint8Array(output.data), new Uint8Array(data))) {
        return `output "${name}" of a response differs from its validation data (request ${exchange.templateIndex} of --input-data)`;
      }
    }
    if (this.#plan.exportsOutputs) this.#outputs.push(outputs);
    return null;
  }
}
