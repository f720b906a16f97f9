import { failure, type Status } from "../../server/core/status.ts";
import type { OpenRegion, RegionMapping } from "../../server/shared-memory/region-mapping.ts";

/**
 * Bytes that behave like a mapped region: after {@link unmap} its memory is gone, so that views read as empty and writing to
 * one throws, where real memory would end the process.
 */
export class FakeRegionMapping implements RegionMapping {
  #memory: ArrayBuffer;
  isObjectCut = false;
  unmapCount = 0;
  /** What {@link unmap} answers. */
  unmapProblem: Status = null;

  constructor(byteSize: number) {
    this.#memory = new ArrayBuffer(byteSize);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#memory);
  }

  view(offset: number, byteLength: number): Uint8Array {
    return new Uint8Array(this.#memory, offset, byteLength);
  }

  isIntact(): boolean {
    return !this.isObjectCut;
  }

  unmap(): Status {
    this.unmapCount++;
    // Takes the memory away from every view.
    structuredClone(this.#memory, { transfer: [this.#memory] });
    return this.unmapProblem;
  }
}

/** Shared memory objects of 1 KiB, each key except "/missing". */
export class FakeSharedMemory {
  /** In the order in which they were opened. */
  readonly mappings: FakeRegionMapping[] = [];

  readonly open: OpenRegion = (key, _offset, byteSize) => {
    if (key === "/missing")
      return failure("INTERNAL", `Unable to open shared memory region '${key}': ENOENT`);
    if (byteSize > 1024) return failure("INVALID_ARG", "invalid args: too large");
    const mapping = new FakeRegionMapping(byteSize);
    this.mappings.push(mapping);
    return mapping;
  };
}
