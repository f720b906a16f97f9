import type { Failure, Status } from "../core/status.ts";
import type { RegionMapping } from "./region-mapping.ts";

/** What a client said when it registered a region of system shared memory. */
export interface SystemRegionInit {
  readonly name: string;
  /** The object's name, as `shm_open` takes it. */
  readonly key: string;
  /** From the object's beginning, in bytes. */
  readonly offset: number;
  readonly byteSize: number;
}

/** What a client says when it registers CUDA memory. */
export interface CudaRegionInit {
  readonly name: string;
  /** A `cudaIpcMemHandle_t`. */
  readonly rawHandle: Uint8Array;
  readonly deviceId: number;
  readonly byteSize: number;
}

/** The regions of both kinds, as the status of each shows them. */
export interface RegionStatuses {
  readonly system: SystemRegionInit;
  readonly cuda: Omit<CudaRegionInit, "rawHandle">;
}

/** The two extensions of the protocol. */
export type SharedMemoryKind = keyof RegionStatuses;

/**
 * A registered region. It stays mapped until it is unregistered and no request uses it any more, whichever is later.
 *
 * @typeParam Kind - What its status shows depends on it, and nothing else.
 */
export class SharedMemoryRegion<Kind extends SharedMemoryKind = SharedMemoryKind> {
  readonly status: RegionStatuses[Kind];
  readonly #mapping: RegionMapping;
  /** Requests that use it, and the registration itself. */
  #holderCount = 1;

  constructor(status: RegionStatuses[Kind], mapping: RegionMapping) {
    this.status = status;
    this.#mapping = mapping;
  }

  get name(): string {
    return this.status.name;
  }

  get byteSize(): number {
    return this.status.byteSize;
  }

  /** @see RegionMapping.isVolatile */
  get isVolatile(): boolean {
    return this.#mapping.isVolatile;
  }

  /** @see RegionMapping.defect */
  defect(): string | null {
    return this.#mapping.defect();
  }

  /** @see RegionMapping.read */
  read(offset: number, byteLength: number): Uint8Array | Failure {
    return this.#mapping.read(offset, byteLength);
  }

  /** @see RegionMapping.write */
  write(offset: number, bytes: Uint8Array): Status {
    return this.#mapping.write(offset, bytes);
  }

  /** One more holder. Each calls {@link release} once. */
  acquire(): void {
    this.#holderCount++;
  }

  /** One holder less; the last one unmaps. @returns INTERNAL when the memory could not be given back. */
  release(): Status {
    this.#holderCount--;
    return this.#holderCount === 0 ? this.#mapping.unmap() : null;
  }
}
