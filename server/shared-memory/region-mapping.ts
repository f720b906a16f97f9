import type { Failure, Status } from "../core/status.ts";

/** Registered bytes of a shared memory object, in this process's memory. */
export interface RegionMapping {
  /**
   * A view on the shared bytes, without a copy; other processes may change them at any time. Nobody may touch it after
   * {@link unmap}: it would then lie on memory that is gone, which ends the process.
   *
   * @param offset - From the region's beginning. The view must lie inside the region.
   */
  view(offset: number, byteLength: number): Uint8Array;
  /**
   * Whether the object still has all the bytes that were registered. Whoever owns the object may make it smaller, and
   * touching what was cut off ends the process: ask before each use.
   */
  isIntact(): boolean;
  /** Gives the memory back, once. @returns `null`, or INTERNAL when the system refuses. */
  unmap(): Status;
}

/**
 * Maps part of a shared memory object for reading and writing.
 *
 * @param key - The object's name, as `shm_open` takes it.
 * @param offset - Bytes, of any alignment.
 * @param byteSize - At least 1.
 * @returns INVALID_ARG when the object has no such bytes, INTERNAL when it cannot be opened or mapped.
 */
export type OpenRegion = (key: string, offset: number, byteSize: number) => RegionMapping | Failure;
