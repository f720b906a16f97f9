/** Frames are allocated in powers of two from here up, so that a slightly larger batch reuses the same frame. */
const smallestFrameBytes = 4096;

/**
 * The frames of one instance that are not travelling. Bounded by the number of batches that can be under way, so
 * an instance owns at most that many buffers, each as large as the largest batch it has seen.
 */
export class FramePool {
  readonly #free: ArrayBuffer[] = [];
  readonly #capacity: number;

  /** @param capacity - Frames kept at most. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** A frame of at least `byteLength` bytes with undefined contents, owned by the caller. */
  take(byteLength: number): ArrayBuffer {
    const frame = this.#free.pop();
    if (frame !== undefined && frame.byteLength >= byteLength) return frame;
    // A frame that has become too small is dropped: the larger one takes its place in the circle.
    return new ArrayBuffer(Math.max(smallestFrameBytes, 2 ** Math.ceil(Math.log2(byteLength))));
  }

  /** Takes a frame back. The caller must hold no view that it still reads. */
  give(frame: ArrayBuffer): void {
    if (this.#free.length < this.#capacity) this.#free.push(frame);
  }

  /** Hands all frames at rest over to the caller. */
  takeAll(): ArrayBuffer[] {
    return this.#free.splice(0);
  }

  /** Frames at rest. */
  get freeCount(): number {
    return this.#free.length;
  }
}
