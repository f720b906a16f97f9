import { constants as bufferConstants } from "node:buffer";
import { closeSync, constants as fileConstants, fstatSync } from "node:fs";
import process from "node:process";
import { getSystemErrorName } from "node:util";
import { type Failure, failure, type Status, StatusError } from "../core/status.ts";
import type { OpenRegion, RegionMapping } from "./region-mapping.ts";

/** The functions of the C library that Node has not. Addresses are numbers; -1 is an error, told by `errorName`. */
interface PosixCalls {
  readonly pageBytes: number;
  shmOpen(key: string, flags: number, mode: number): number;
  mmap(
    address: null,
    byteLength: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ): bigint;
  munmap(address: bigint, byteLength: number): number;
  view(address: bigint, byteLength: number): ArrayBuffer;
  errorName(): string;
}

/** Read and write; the same number on Linux, macOS and the BSDs, as is {@link mapShared}. */
const readAndWrite = 1 | 2;
const mapShared = 1;

/** `MAP_FAILED`, as 32- and 64-bit systems write it. */
const mapFailed: ReadonlySet<bigint> = new Set([-1n, 0xffff_ffffn, 0xffff_ffff_ffff_ffffn]);

/**
 * Loads what POSIX shared memory takes: an FFI package, which is asked for nothing else and never loaded unless the
 * operator allows shared memory.
 *
 * @returns What maps regions, or UNSUPPORTED with the reason why this system cannot.
 */
export async function loadPosixSharedMemory(): Promise<OpenRegion | Failure> {
  if (process.platform === "win32") {
    return failure(
      "UNSUPPORTED",
      "Client shared memory is not available: Windows has no POSIX shared memory",
    );
  }
  try {
    const calls = await bindCalls();
    return (key, offset, byteSize) => openRegion(calls, key, offset, byteSize);
  } catch (thrown) {
    return failure(
      "UNSUPPORTED",
      `Client shared memory is not available: the FFI package koffi cannot be used: ${StatusError.from(thrown).message}`,
    );
  }
}

async function bindCalls(): Promise<PosixCalls> {
  const { default: koffi } = await import("koffi");
  const program = koffi.load(null);
  // Some systems declare the mode as variadic; it is read only when an object is made, which never happens here.
  const shmOpen = "int shm_open(const char *name, int flags, int mode)";
  const open = (): unknown => {
    try {
      return program.func(shmOpen);
    } catch {
      // Before glibc 2.34 it was in a library of its own.
      return koffi.load("librt.so.1").func(shmOpen);
    }
  };
  const pageSize = program.func("int getpagesize()") as unknown as () => number;
  return {
    pageBytes: pageSize(),
    shmOpen: open() as PosixCalls["shmOpen"],
    mmap: program.func(
      "void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)",
    ) as unknown as PosixCalls["mmap"],
    munmap: program.func("int munmap(void *address, size_t length)") as unknown as PosixCalls["munmap"],
    view: (address, byteLength) => koffi.view(address, byteLength),
    errorName: () => getSystemErrorName(-koffi.errno()),
  };
}

function openRegion(
  calls: PosixCalls,
  key: string,
  offset: number,
  byteSize: number,
): RegionMapping | Failure {
  const fd = calls.shmOpen(key, fileConstants.O_RDWR, 0);
  if (fd < 0) {
    return failure("INTERNAL", `Unable to open shared memory region '${key}': ${calls.errorName()}`);
  }
  const mapping = mapRegion(calls, { key, fd, offset, byteSize });
  if ("code" in mapping) closeSync(fd);
  return mapping;
}

/** An open object and the bytes of it that are wanted. */
interface OpenObject {
  readonly key: string;
  readonly fd: number;
  readonly offset: number;
  readonly byteSize: number;
}

function mapRegion(calls: PosixCalls, object: OpenObject): RegionMapping | Failure {
  const { key, fd, offset, byteSize } = object;
  const objectBytes = fstatSync(fd).size;
  if (offset + byteSize > objectBytes) {
    return failure(
      "INVALID_ARG",
      `invalid args: offset ${offset} and byte_size ${byteSize} do not lie inside the ${objectBytes} bytes of '${key}'`,
    );
  }
  // Mappings begin at a page.
  const margin = offset % calls.pageBytes;
  const mappedBytes = margin + byteSize;
  // Beyond that, making a view would end the process instead of throwing.
  if (mappedBytes > bufferConstants.MAX_LENGTH) {
    return failure(
      "INVALID_ARG",
      `invalid args: byte_size ${byteSize} is more than this version of Node can address, ${bufferConstants.MAX_LENGTH}. Register parts of the object as regions of their own`,
    );
  }
  const address = calls.mmap(null, mappedBytes, readAndWrite, mapShared, fd, offset - margin);
  if (mapFailed.has(address)) {
    return failure("INTERNAL", `Unable to map ${byteSize} bytes of '${key}': ${calls.errorName()}`);
  }
  return new PosixMapping(calls, object, address, margin);
}

class PosixMapping implements RegionMapping {
  readonly isVolatile = true;
  readonly #calls: PosixCalls;
  readonly #object: OpenObject;
  readonly #address: bigint;
  /** Bytes between the page's beginning and the region's. */
  readonly #margin: number;
  #memory: ArrayBuffer | null;

  constructor(calls: PosixCalls, object: OpenObject, address: bigint, margin: number) {
    this.#calls = calls;
    this.#object = object;
    this.#address = address;
    this.#margin = margin;
    this.#memory = calls.view(address, margin + object.byteSize);
  }

  read(offset: number, byteLength: number): Uint8Array {
    if (this.#memory === null) throw new Error("A region is used after it was unmapped. This is a bug.");
    return new Uint8Array(this.#memory, this.#margin + offset, byteLength);
  }

  write(offset: number, bytes: Uint8Array): Status {
    this.read(offset, bytes.byteLength).set(bytes);
    return null;
  }

  defect(): string | null {
    const { fd, key, offset, byteSize } = this.#object;
    if (fstatSync(fd).size >= offset + byteSize) return null;
    return `'${key}' has become smaller than it was registered`;
  }

  unmap(): Status {
    if (this.#memory === null) throw new Error("A region is unmapped twice. This is a bug.");
    this.#memory = null;
    const { fd, key, byteSize } = this.#object;
    closeSync(fd);
    if (this.#calls.munmap(this.#address, this.#margin + byteSize) === 0) return null;
    return failure("INTERNAL", `Unable to unmap '${key}': ${this.#calls.errorName()}`);
  }
}
