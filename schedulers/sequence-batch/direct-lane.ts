import { type InferenceRequest, requestState } from "../../server/core/inference-request.ts";
import type { BatchCompatibility } from "../dynamic-batch/batch-compatibility.ts";
import type { InstanceLane } from "../scheduler.ts";
import { makeFiller } from "./filler-request.ts";
import type { Sequence } from "./sequence.ts";
import type { SequenceLane } from "./sequence-lane.ts";

/** The rules of the direct strategy. */
export interface DirectRules {
  /** Slots of each instance: the rows of its largest batch. */
  readonly slotCount: number;
  /** How long the oldest request may wait for other slots; 0: not at all. */
  readonly maxQueueDelayUs: number;
  /** The share of the slots that ends the wait, from 0 to 1; 0: nobody waits. */
  readonly minimumSlotUtilization: number;
  /** Which requests may run together; `null`: all. */
  readonly isCompatible: BatchCompatibility | null;
}

/**
 * The direct strategy: a sequence has the same row in every batch, so that a model which keeps its state by row finds it.
 *
 * ```
 *   slot   0    1    2    3          batch: rows 0 to 2
 *        [ A2 | –  | C5 | – ]   →   [ A2 | filler | C5 ]
 * ```
 *
 * @remarks
 * A batch reaches from row 0 to the last slot that a sequence owns. A slot without a request gets a filler, which has
 * READY false. One batch at a time is under way.
 * @see contract §6.5, "Direct"
 */
export class DirectLane implements SequenceLane {
  readonly slotCount: number;
  readonly #rules: DirectRules;
  readonly #instance: InstanceLane;
  readonly #slots: (Sequence | null)[];
  wakeAtUs = Number.POSITIVE_INFINITY;

  constructor(rules: DirectRules, instance: InstanceLane) {
    this.slotCount = rules.slotCount;
    this.#rules = rules;
    this.#instance = instance;
    this.#slots = new Array<Sequence | null>(rules.slotCount).fill(null);
  }

  queuedCount(): number {
    return 0;
  }

  occupy(index: number, sequence: Sequence): void {
    this.#slots[index] = sequence;
  }

  vacate(index: number): void {
    this.#slots[index] = null;
  }

  onReady(): void {
    // The pass that follows finds it.
  }

  onCapacity(): void {
    // As above.
  }

  onLost(): void {
    this.wakeAtUs = Number.POSITIVE_INFINITY;
  }

  run(nowUs: number): void {
    this.wakeAtUs = Number.POSITIVE_INFINITY;
    if (this.#instance.batchesUnderWay > 0 || !this.#instance.hasCapacity()) return;
    const ready = this.#slots.filter((sequence) => sequence?.isReady === true);
    if (ready.length === 0) return;
    const waitUntilUs = this.#waitUntil(ready);
    if (waitUntilUs > nowUs) this.wakeAtUs = waitUntilUs;
    else this.#instance.execute(this.#takeBatch());
  }

  /** Until when the ready requests wait for more; 0: no longer. */
  #waitUntil(ready: readonly (Sequence | null)[]): number {
    const { maxQueueDelayUs, minimumSlotUtilization, slotCount } = this.#rules;
    if (maxQueueDelayUs === 0 || minimumSlotUtilization === 0) return 0;
    if (ready.length >= minimumSlotUtilization * slotCount) return 0;
    const oldestUs = ready.reduce(
      (oldest, sequence) => Math.min(oldest, sequence?.next?.queueStartUs ?? oldest),
      Number.POSITIVE_INFINITY,
    );
    return oldestUs + maxQueueDelayUs;
  }

  #takeBatch(): InferenceRequest[] {
    const rowCount = this.#slots.findLastIndex((sequence) => sequence !== null) + 1;
    const rows = this.#slots.slice(0, rowCount);
    // The oldest decides which shapes run: another one could keep a sequence waiting for ever.
    const first = oldestOf(rows);
    return rows.map((sequence) => {
      const request = sequence?.isReady === true ? sequence.next : undefined;
      if (sequence === null || request === undefined || !this.#fits(first, request)) return makeFiller(first);
      sequence.take();
      request.state = requestState.executing;
      return request;
    });
  }

  #fits(first: InferenceRequest, request: InferenceRequest): boolean {
    const { isCompatible } = this.#rules;
    return first === request || isCompatible === null || isCompatible(first, request);
  }
}

function oldestOf(rows: readonly (Sequence | null)[]): InferenceRequest {
  let oldest: InferenceRequest | undefined;
  for (const sequence of rows) {
    const next = sequence?.isReady === true ? sequence.next : undefined;
    if (next !== undefined && (oldest === undefined || next.queueStartUs < oldest.queueStartUs))
      oldest = next;
  }
  if (oldest === undefined) throw new Error("A batch without requests. This is a bug.");
  return oldest;
}
