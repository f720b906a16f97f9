import { failure, type Status } from "../../server/core/status.ts";
import type { OpenRegion, RegionMapping } from "../../server/shared-memory/region-mapping.ts";
import type { SharedMemoryLoaders } from "../../server/shared-memory/shared-memory-manager.ts";

/**
 * Bytes that behave like a mapped region: after {@link unmap} its memory is gone, so that views read as empty and writing to
 * one throws, where real memory would end the process.
 */
export class FakeRegionMapping implements RegionMapping {
  readonly isVolatile = true;
  readonly #key: string;
  #memory: ArrayBuffer;
  isObjectCut = false;
  unmapCount = 0;
  /** What {@link unmap} answers. */
  unmapProblem: Status = null;

  constructor(key: string, byteSize: number) {
    this.#key = key;
    this.#memory = new ArrayBuffer(byteSize);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#memory);
  }

  read(offset: number, byteLength: number): Uint8Array {
    return new Uint8Array(this.#memory, offset, byteLength);
  }

  write(offset: number, bytes: Uint8Array): Status {
    this.read(offset, bytes.byteLength).set(bytes);
    return null;
  }

  defect(): string | null {
    return this.isObjectCut ? `'${this.#key}' has become smaller than it was registered` : null;
  }

  unmap(): Status {
    this.unmapCount++;
    // Takes the memory away from every view.
    structuredClone(this.#memory, { transfer: [this.#memory] });
    return this.unmapProblem;
  }
}

/** Shared memory objects of 1 KiB, each key except "/missing", and no CUDA. */
export class FakeSharedMemory {
  /** In the order in which they were opened. */
  readonly mappings: FakeRegionMapping[] = [];

  readonly open: OpenRegion = (key, _offset, byteSize) => {
    if (key === "/missing")
      return failure("INTERNAL", `Unable to open shared memory region '${key}': ENOENT`);
    if (byteSize > 1024) return failure("INVALID_ARG", "invalid args: too large");
    const mapping = new FakeRegionMapping(key, byteSize);
    this.mappings.push(mapping);
    return mapping;
  };
  readonly loaders: SharedMemoryLoaders = {
    system: () => Promise.resolve(this.open),
    cuda: () => Promise.resolve(failure("INVALID_ARG", "GPUs not supported")),
  };
}
