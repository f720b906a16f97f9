import type { SequencePosition } from "../client-backend/exchange.ts";
import { RandomSource } from "../infer-data/random-source.ts";

/** Which request comes next. */
export interface NextRequest {
  readonly contentIndex: number;
  readonly sequence: SequencePosition | null;
}

/** How sequences are made. Can be sent to a thread. */
export interface SequencePlan {
  readonly length: number;
  /** Percent, to both sides. */
  readonly lengthVariation: number;
  readonly firstId: number;
  /** Excluded; `null` for no end. */
  readonly endId: number | null;
  readonly seed: number;
}

/** One of several threads, which share the data and the ids between them. */
export interface ThreadShare {
  readonly index: number;
  readonly count: number;
}

/**
 * Hands out requests. Each of its slots has one request at a time; with sequences a slot is a live sequence, so that the
 * requests of a sequence never overtake each other.
 */
export class RequestSource {
  readonly #streams: readonly (readonly number[])[];
  readonly #sequences: SequencePlan | null;
  readonly share: ThreadShare;
  readonly #skipCount: number;
  readonly #random: RandomSource;
  #requestCount = 0;
  #sequenceCount = 0;
  readonly #live: (LiveSequence | undefined)[] = [];

  /**
   * @param sequences - `null` for a model without state: then there is one stream.
   * @param skipCount - Requests of the data that an earlier run has sent.
   */
  constructor(
    streams: readonly (readonly number[])[],
    sequences: SequencePlan | null,
    share: ThreadShare,
    skipCount = 0,
  ) {
    this.#streams = streams;
    this.#sequences = sequences;
    this.share = share;
    this.#skipCount = skipCount;
    this.#random = new RandomSource((sequences?.seed ?? 0) + share.index);
  }

  /** The next request of a slot. */
  next(slot: number): NextRequest {
    const plan = this.#sequences;
    if (plan === null) {
      const stream = this.#streams[0] ?? [];
      const position = this.#skipCount + this.#requestCount++ * this.share.count + this.share.index;
      return { contentIndex: stream[position % stream.length] ?? 0, sequence: null };
    }
    const live = this.#live[slot] ?? this.#begin(plan);
    const contentIndex = live.stream[live.step % live.stream.length] ?? 0;
    const isStart = live.step === 0;
    live.step++;
    const isEnd = live.step >= live.length;
    this.#live[slot] = isEnd ? undefined : live;
    return { contentIndex, sequence: { id: live.id, isStart, isEnd } };
  }

  /**
   * What ends the sequences that are alive, by slot, however many requests they would have had: a server keeps room for
   * them until then. They are over for this source.
   */
  takeEnds(): readonly (readonly [slot: number, request: NextRequest])[] {
    return this.#live.splice(0).flatMap((live, slot) => {
      if (live === undefined) return [];
      const contentIndex = live.stream[live.step % live.stream.length] ?? 0;
      return [[slot, { contentIndex, sequence: { id: live.id, isStart: false, isEnd: true } }]];
    });
  }

  #begin(plan: SequencePlan): LiveSequence {
    const position = this.#sequenceCount++ * this.share.count + this.share.index;
    const stream = this.#streams[position % this.#streams.length] ?? [];
    const idCount = plan.endId === null ? Number.POSITIVE_INFINITY : plan.endId - plan.firstId;
    const spread = (plan.length * plan.lengthVariation) / 100;
    const random = plan.length - spread + this.#random.next() * 2 * spread;
    return {
      id: plan.firstId + (position % idCount),
      stream,
      // Data of several steps is a whole sequence by itself.
      length: stream.length > 1 ? stream.length : Math.max(1, Math.round(random)),
      step: 0,
    };
  }
}

interface LiveSequence {
  readonly id: number;
  readonly stream: readonly number[];
  readonly length: number;
  step: number;
}
