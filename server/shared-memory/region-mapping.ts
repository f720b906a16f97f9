import type { Failure, Status } from "../core/status.ts";

/** The bytes of a registered region: in this process's memory, or on a device. */
export interface RegionMapping {
  /**
   * Whether {@link read} gives views on memory that other processes may change at any time. Otherwise it gives copies, which
   * belong to the caller.
   */
  readonly isVolatile: boolean;
  /**
   * The bytes as they are now. Nobody may touch a view after {@link unmap}: it would then lie on memory that is gone, which
   * ends the process.
   *
   * @param offset - From the region's beginning. The range must lie inside the region.
   * @returns INTERNAL when they cannot be had from their device.
   */
  read(offset: number, byteLength: number): Uint8Array | Failure;
  /**
   * Puts bytes into the region, where every process sees them when this returns.
   *
   * @param offset - From the region's beginning. All bytes must go inside the region.
   * @returns `null`, or INTERNAL when they cannot be brought to their device.
   */
  write(offset: number, bytes: Uint8Array): Status;
  /**
   * Why the region cannot be used although it is mapped, `null` when it can. Whoever owns a shared memory object may make it
   * smaller, and touching what was cut off ends the process: ask before each use.
   */
  defect(): string | null;
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

/**
 * Opens another process's allocation on a CUDA device for reading and writing.
 *
 * @param handle - The 64 bytes of a `cudaIpcMemHandle_t`.
 * @param deviceId - An integer.
 * @param byteSize - From the allocation's beginning, at least 1.
 * @returns INVALID_ARG when there is no such device or allocation, or it has fewer bytes; INTERNAL when the device fails.
 */
export type OpenCudaRegion = (
  handle: Uint8Array,
  deviceId: number,
  byteSize: number,
) => RegionMapping | Failure;
