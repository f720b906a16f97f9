import type { Status } from "../core/status.ts";
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

/**
 * A registered region. It stays mapped until it is unregistered and no request uses it any more, whichever is later.
 */
export class SharedMemoryRegion {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
  readonly #mapping: RegionMapping;
  /** Requests that use it, and the registration itself. */
  #holderCount = 1;

  constructor({ name, key, offset, byteSize }: SystemRegionInit, mapping: RegionMapping) {
    this.name = name;
    this.key = key;
    this.offset = offset;
    this.byteSize = byteSize;
    this.#mapping = mapping;
  }

  /** @see RegionMapping.isIntact */
  isIntact(): boolean {
    return this.#mapping.isIntact();
  }

  /** @see RegionMapping.view */
  view(offset: number, byteLength: number): Uint8Array {
    return this.#mapping.view(offset, byteLength);
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
