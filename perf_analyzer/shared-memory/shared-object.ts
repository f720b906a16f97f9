import { closeSync, constants as fileConstants, ftruncateSync } from "node:fs";
import process from "node:process";
import { getSystemErrorName } from "node:util";
import { PerfError } from "../exit-code.ts";

/** A POSIX shared memory object, mapped into this process. */
export interface SharedObject {
  /** Its bytes, without a copy. Nobody may touch them after {@link close}: the process would end. */
  readonly bytes: Uint8Array;
  /** Gives the mapping back, once. */
  close(): void;
}

/** Makes and opens shared memory objects. */
export interface SharedObjects {
  /** Makes an object that other programs of this user can open. @throws PerfError when the system refuses. */
  create(key: string, byteLength: number): SharedObject;
  /** Maps an object that another thread has made. @throws PerfError when the system refuses. */
  open(key: string, byteLength: number): SharedObject;
  /** Removes the object's name; memory that is mapped stays. An object that is gone already is fine. */
  unlink(key: string): void;
}

/** Read and write; the same number on Linux, macOS and the BSDs, as is {@link mapShared}. */
const readAndWrite = 1 | 2;
const mapShared = 1;
/** For the user alone; the server has to run as the same one. */
const ownerOnly = 0o600;
/** `MAP_FAILED`, as 32- and 64-bit systems write it. */
const mapFailed: ReadonlySet<bigint> = new Set([-1n, 0xffff_ffffn, 0xffff_ffff_ffff_ffffn]);

/** The functions of the C library that Node lacks. */
interface PosixCalls {
  shmOpen(key: string, flags: number, modeType: "int", mode: number): number;
  shmUnlink(key: string): number;
  mmap(address: null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  view(address: bigint, length: number): ArrayBuffer;
  errorName(): string;
}

/** Loads what shared memory takes. @throws PerfError on a system that has no POSIX shared memory. */
export async function loadSharedObjects(): Promise<SharedObjects> {
  if (process.platform === "win32") {
    throw new PerfError("--shared-memory=system needs POSIX shared memory, which Windows does not have");
  }
  const calls = await bindCalls().catch((thrown: unknown) => {
    throw new PerfError(
      `--shared-memory=system needs the FFI package koffi: ${PerfError.from(thrown).message}`,
    );
  });
  return {
    create: (key, byteLength) => {
      const { O_CREAT, O_EXCL, O_RDWR } = fileConstants;
      const fd = openObject(calls, key, O_CREAT | O_EXCL | O_RDWR);
      try {
        ftruncateSync(fd, byteLength);
        return mapObject(calls, key, fd, byteLength);
      } catch (thrown) {
        calls.shmUnlink(key);
        throw thrown;
      } finally {
        closeSync(fd);
      }
    },
    open: (key, byteLength) => {
      const fd = openObject(calls, key, fileConstants.O_RDWR);
      try {
        return mapObject(calls, key, fd, byteLength);
      } finally {
        closeSync(fd);
      }
    },
    unlink: (key) => void calls.shmUnlink(key),
  };
}

async function bindCalls(): Promise<PosixCalls> {
  const { default: koffi } = await import("koffi");
  const program = koffi.load(null);
  // Before glibc 2.34 these were in a library of their own.
  const find = (prototype: string): unknown => {
    try {
      return program.func(prototype);
    } catch {
      return koffi.load("librt.so.1").func(prototype);
    }
  };
  return {
    // The mode is variadic where the C library declares it so, and macOS passes such arguments differently.
    shmOpen: find("int shm_open(const char *name, int flags, ...)") as PosixCalls["shmOpen"],
    shmUnlink: find("int shm_unlink(const char *name)") as PosixCalls["shmUnlink"],
    mmap: program.func(
      "void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)",
    ) as unknown as PosixCalls["mmap"],
    munmap: program.func("int munmap(void *address, size_t length)") as unknown as PosixCalls["munmap"],
    view: (address, length) => koffi.view(address, length),
    errorName: () => getSystemErrorName(-koffi.errno()),
  };
}

function openObject(calls: PosixCalls, key: string, flags: number): number {
  const fd = calls.shmOpen(key, flags, "int", ownerOnly);
  if (fd < 0) throw new PerfError(`Cannot open the shared memory object ${key}: ${calls.errorName()}`);
  return fd;
}

function mapObject(calls: PosixCalls, key: string, fd: number, byteLength: number): SharedObject {
  const address = calls.mmap(null, byteLength, readAndWrite, mapShared, fd, 0);
  if (mapFailed.has(address)) {
    throw new PerfError(
      `Cannot map ${byteLength} bytes of the shared memory object ${key}: ${calls.errorName()}`,
    );
  }
  return {
    bytes: new Uint8Array(calls.view(address, byteLength)),
    close: () => void calls.munmap(address, byteLength),
  };
}
