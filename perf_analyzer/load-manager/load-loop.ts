import { type DecodedResponse, Exchange, type LoadClient } from "../client-backend/exchange.ts";
import { monotonicNowUs } from "../clock.ts";
import type { LoadAnswer, LoadPlan } from "./load-plan.ts";
import { RecordWriter } from "./request-records.ts";
import type { NextRequest, RequestSource } from "./request-source.ts";

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
  #responses: (readonly DecodedResponse[])[] = [];
  #sentCount = 0;
  #lateCount = 0;
  #lagUs = 0;
  #failedCount = 0;
  #failure: string | null = null;
  #onDrained: (() => void) | null = null;
  readonly #done: (exchange: Exchange) => void;
  /** Sees each response on a stream; `null` for nobody. */
  protected onResponse: ((exchange: Exchange) => void) | null = null;
  /** What is wrong with a request that has ended well, in the eyes of the load mode; `null` for a mode that has no say. */
  protected findFault: ((exchange: Exchange) => string | null) | null = null;

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

  /** Sends no more but the ends of sequences. Resolves when all responses have come. */
  async stop(): Promise<void> {
    this.isStopped = true;
    if (this.outstandingCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
      });
    }
    // Nothing of them is measured, and a server that has gone has no sequences.
    await Promise.all(this.#source.takeEnds().map(([slot, request]) => this.#sendUnmeasured(slot, request)));
  }

  #sendUnmeasured(slot: number, request: NextRequest): Promise<void> {
    return new Promise((resolve) => this.#client.send(this.#exchangeOf(slot, request), () => resolve()));
  }

  #exchangeOf(slot: number, { contentIndex, sequence }: NextRequest): Exchange {
    const exchange = new Exchange();
    exchange.contentIndex = contentIndex;
    // No two requests that are outstanding at a time may share a lane, whatever their threads.
    const { index, count } = this.#source.share;
    exchange.laneIndex = (slot * count + index) % this.#plan.client.laneCount;
    exchange.sequence = sequence;
    exchange.slotIndex = slot;
    return exchange;
  }

  /** What happened since the last call. */
  collect(): LoadAnswer {
    const answer = {
      rows: this.#records.take(),
      responses: this.#responses.map((responses) =>
        responses.map(({ atUs, outputs }) => ({
          atUs,
          outputs: outputs.map(({ name, datatype, data }) => ({
            name,
            datatype,
            data: new Uint8Array(data),
          })),
        })),
      ),
      idleUs: this.takeIdleUs(),
      sentCount: this.#sentCount,
      lateCount: this.#lateCount,
      lagUs: this.#lagUs,
      failedCount: this.#failedCount,
      failure: this.#failure,
      isFinished: this.outstandingCount === 0 && (this.leftCount === 0 || this.isStopped),
    };
    this.#responses = [];
    this.#sentCount = 0;
    this.#lateCount = 0;
    this.#lagUs = 0;
    this.#failedCount = 0;
    return answer;
  }

  /** @param intendedUs - `null`: now. */
  protected send(slot: number, intendedUs: number | null): void {
    const exchange = this.#exchangeOf(slot, this.#source.next(slot));
    exchange.onResponse = this.onResponse;
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
    const error = exchange.error ?? this.findFault?.(exchange) ?? this.#check(exchange);
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
        contentIndex: exchange.contentIndex,
        sequenceId: exchange.sequence?.id ?? 0,
      });
    }
    if (!this.isStopped) this.onFree(exchange.slotIndex);
    if (this.outstandingCount === 0 && this.isStopped) this.#onDrained?.();
  }

  /** Reads and compares the outputs, where somebody wants them. Returns what is wrong, or `null`. */
  #check(exchange: Exchange): string | null {
    const expected = this.#plan.expected[exchange.contentIndex] ?? null;
    if (expected === null && !this.#plan.exportsOutputs) return null;
    let responses: readonly DecodedResponse[];
    try {
      responses = this.#client.decodeResponses(exchange);
    } catch (thrown) {
      return `the response cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    }
    const outputs = responses.flatMap((response) => response.outputs);
    for (const { name, data } of expected ?? []) {
      // A decoupled model's responses are compared joined.
      const parts = outputs.filter((each) => each.name === name).map((output) => output.data);
      if (parts.length === 0) return `output "${name}" is missing in a response`;
      if (Buffer.compare(parts.length === 1 ? (parts[0] ?? data) : Buffer.concat(parts), data) !== 0) {
        return `output "${name}" of a response differs from its validation data (request ${exchange.contentIndex} of --input-data)`;
      }
    }
    if (this.#plan.exportsOutputs) this.#responses.push(responses);
    return null;
  }
}
