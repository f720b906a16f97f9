import type { InferenceRequest } from "../../server/core/inference-request.ts";

/** Code of rows that belong to no sequence. */
const fillerCode = -1;
const flagCount = 4;
const startFlag = 1;
const endFlag = 2;

/** What an instance that keeps states is told of one row of a batch. */
export interface SequenceRow {
  /** Where the sequence's states are kept; -1: the row belongs to no sequence. */
  readonly slot: number;
  /** The states begin anew. */
  readonly isStart: boolean;
  /** The states are not needed any more. */
  readonly isEnd: boolean;
}

/** A request's row as one number, for the frame's header: the slot's number times 4, plus 1 at the start, 2 at the end. */
export function sequenceRowOf(request: InferenceRequest): number {
  // A warm-up request belongs to no sequence either.
  if (request.sequenceSlot < 0) return fillerCode;
  return (
    request.sequenceSlot * flagCount +
    (request.isSequenceStart ? startFlag : 0) +
    (request.isSequenceEnd ? endFlag : 0)
  );
}

/** The same, taken apart. */
export function readSequenceRow(code: number): SequenceRow {
  if (code === fillerCode) return { slot: -1, isStart: false, isEnd: false };
  const flags = code % flagCount;
  return {
    slot: (code - flags) / flagCount,
    isStart: (flags & startFlag) !== 0,
    isEnd: (flags & endFlag) !== 0,
  };
}
