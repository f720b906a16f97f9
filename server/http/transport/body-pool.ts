/** Smaller bodies cost less to allocate than to look after. */
const smallestBytes = 64 * 1024;
/** Larger ones are rare, and too much memory to keep. */
const largestBytes = 4 * 1024 * 1024;
/** Bodies kept at most: 32 MiB in the worst case. */
const capacity = 8;

/**
 * Memory of request bodies that have been used up, for the next ones: fresh memory of hundreds of kilobytes is a page
 * fault for each 4 KiB, and gives the garbage collector work. Giving a body back is a favour, not a duty.
 */
export class BodyPool {
  /** The one that was given first stands first. */
  readonly #free: ArrayBuffer[] = [];

  /** Room for `byteCount` bytes with undefined contents, owned by the caller. May be a view on twice as much. */
  take(byteCount: number): Buffer {
    if (byteCount < smallestBytes) return Buffer.allocUnsafe(byteCount);
    for (const [index, buffer] of this.#free.entries()) {
      if (buffer.byteLength < byteCount || buffer.byteLength > 2 * byteCount) continue;
      this.#free.splice(index, 1);
      return Buffer.from(buffer, 0, byteCount);
    }
    return Buffer.allocUnsafeSlow(byteCount);
  }

  /**
   * Takes a body back. The caller is its only owner, and neither it nor anybody else reads a view on it any more. One
   * that is too small, too large, or has been moved to another thread is left to the garbage collector.
   */
  give({ buffer }: Uint8Array): void {
    if (!(buffer instanceof ArrayBuffer) || !isWorthKeeping(buffer.byteLength)) return;
    // Those that fit nobody must not fill the pool for ever.
    if (this.#free.length === capacity) this.#free.shift();
    this.#free.push(buffer);
  }

  /** Bodies at rest. */
  get freeCount(): number {
    return this.#free.length;
  }
}

/** Whether a body of this size is taken back. */
export function isWorthKeeping(byteCount: number): boolean {
  return byteCount >= smallestBytes && byteCount <= largestBytes;
}

/** All listeners' bodies: they come and go on one thread. */
export const bodyPool: BodyPool = new BodyPool();
