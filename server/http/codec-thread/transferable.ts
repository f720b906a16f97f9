/**
 * The memory behind views, each buffer once, to move it to another thread. Empty buffers are left out: they may be
 * shared by all who have nothing to say, and can be moved only once.
 *
 * @param views - None of them in Node's pool for small buffers.
 */
export function buffersOf(views: readonly Uint8Array[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { buffer } of views) {
    if (buffer.byteLength > 0 && buffer instanceof ArrayBuffer) buffers.add(buffer);
  }
  return [...buffers];
}
