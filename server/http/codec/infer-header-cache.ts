import type { InferHeader } from "./infer-header.ts";

/** A power of two. A server has a few dozen kinds of requests in use at a time, not thousands. */
const slotCount = 256;
/** Longer headers are rare, and hold many tensors whose handling costs more than reading them. */
const maxKeyBytes = 1024;
/** The hash looks at each 16th byte: a header is found by comparing all of it, the hash only picks the slot. */
const hashStride = 16;

interface Entry {
  /** A copy of the header's bytes. */
  readonly key: Buffer;
  readonly header: InferHeader;
}

/**
 * Remembers the checked headers of binary requests by their bytes, because clients send the same one over and
 * over: all but the id is the same while model and batch size are.
 *
 * ```
 *   {"id":"42","inputs":[{"name":"INPUT0","shape":[1,16], …}]}
 *             └──────────────────── key ────────────────────┘        no id in front: all of it
 * ```
 *
 * Bounded to 256 headers of 1 KiB each; a new one takes the slot of an old one. For a header of 175 bytes a hit
 * makes decoding about four times as fast.
 */
export class InferHeaderCache {
  readonly #entries: (Entry | null)[] = new Array<Entry | null>(slotCount).fill(null);

  /** The header whose key is the bytes from `start` to `end`, or `null`. */
  find(bytes: Uint8Array, start: number, end: number): InferHeader | null {
    const entry = this.#entries[slotOf(bytes, start, end)] ?? null;
    if (entry === null || entry.key.byteLength !== end - start) return null;
    return entry.key.compare(bytes, start, end) === 0 ? entry.header : null;
  }

  /** Remembers `header` when it is worth it and holds nothing that the key does not tell. */
  add(bytes: Uint8Array, start: number, end: number, header: InferHeader): void {
    if (end - start > maxKeyBytes || !header.isIndependentOfData) return;
    const key = Buffer.from(bytes.subarray(start, end));
    this.#entries[slotOf(bytes, start, end)] = { key, header };
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i += hashStride) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  // What differs most between headers stands at their end: sizes, shapes.
  for (let i = Math.max(start, end - hashStride); i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (slotCount - 1);
}
