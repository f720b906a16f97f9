import type { Sequence } from "./sequence.ts";

/** A place for one sequence on one instance. */
export interface SequenceSlot {
  readonly lane: SequenceLane;
  /** From 0. The instance keeps the sequence's states under this number. */
  readonly index: number;
}

/** One instance with its slots, and the strategy by which the requests of the sequences in them become batches. */
export interface SequenceLane {
  /** At least 1. */
  readonly slotCount: number;
  /** When {@link run} has to be called next because time passes; Infinity: never. */
  readonly wakeAtUs: number;
  /** Requests that have left their sequences and wait for the instance. */
  queuedCount(): number;
  /** A sequence takes a slot that is free. */
  occupy(index: number, sequence: Sequence): void;
  /** The sequence in the slot has ended; nothing of it waits or is under way. */
  vacate(index: number): void;
  /** A sequence in one of the slots has become ready. A pass follows, see {@link run}. */
  onReady(sequence: Sequence): void;
  /** The instance may have become free. A pass follows. */
  onCapacity(): void;
  /** One pass: sends what can be sent now. */
  run(nowUs: number): void;
  /** The instance has died: what has left its sequence and did not reach the instance fails. */
  onLost(): void;
}
