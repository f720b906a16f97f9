import process from "node:process";
import { StatusError } from "../core/status.ts";

/** A call of the CUDA driver that did not succeed: "cuInit: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)". */
export class CudaError extends Error {
  override readonly name = "CudaError";
}

/**
 * What this server needs of the CUDA driver API. Addresses are the device's, which this process cannot follow. Everything
 * but the first three members works in the context that was pushed last on this thread. All throw {@link CudaError}.
 */
export interface CudaDriver {
  /** At least 1. */
  readonly deviceCount: number;
  /** The device's primary context, which all users in the process share. Give each back with {@link releaseContext}. */
  retainContext(deviceId: number): bigint;
  releaseContext(deviceId: number): void;
  pushContext(context: bigint): void;
  popContext(): void;
  /** Maps an allocation of another process. @param handle - 64 bytes. @returns Its address. */
  openHandle(handle: Uint8Array): bigint;
  /** @param address - From {@link openHandle}, as often as it was given. */
  closeHandle(address: bigint): void;
  /** Bytes from the address to the end of its allocation. */
  bytesFrom(address: bigint): bigint;
  /** Fills `target`. Returns when all bytes are there. */
  copyFromDevice(target: Uint8Array, address: bigint): void;
  /** Returns when all bytes are on the device. */
  copyToDevice(address: bigint, source: Uint8Array): void;
}

/** The driver's functions by their exported names: those with `_v2` take 64-bit addresses and sizes. 0 is success. */
interface DriverCalls {
  cuInit: { async(flags: number, done: (thrown: unknown, result: number) => void): void };
  cuDeviceGetCount(count: Int32Array): number;
  cuDeviceGet(device: Int32Array, ordinal: number): number;
  cuDevicePrimaryCtxRetain(context: BigUint64Array, device: number): number;
  cuDevicePrimaryCtxRelease(device: number): number;
  cuCtxPushCurrent(context: bigint): number;
  cuCtxPopCurrent(context: BigUint64Array): number;
  cuIpcOpenMemHandle(address: BigUint64Array, handle: { reserved: Uint8Array }, flags: number): number;
  cuIpcCloseMemHandle(address: bigint): number;
  cuMemGetAddressRange(base: BigUint64Array, byteSize: BigUint64Array, address: bigint): number;
  cuMemcpyDtoH(target: Uint8Array, address: bigint, byteCount: number): number;
  cuMemcpyHtoD(address: bigint, source: Uint8Array, byteCount: number): number;
  cuStreamSynchronize(stream: null): number;
  cuGetErrorName(result: number, text: [string | null]): number;
  cuGetErrorString(result: number, text: [string | null]): number;
}

/** `CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS`, the only flag there is; without it the call is refused. */
const lazyPeerAccess = 1;

/**
 * Loads the CUDA driver and has it look for devices, in a thread of the FFI package: that can take a second.
 *
 * @returns `null` where no driver is installed.
 * @throws CudaError when it is, and does not work or has no device.
 */
export async function loadCudaDriver(): Promise<CudaDriver | null> {
  const calls = await bindCalls();
  if (calls === null) return null;
  const result = await new Promise<number>((resolve, reject) => {
    calls.cuInit.async(0, (thrown, result) => {
      // Nothing was thrown when it is null.
      if (thrown === null) resolve(result);
      else reject(StatusError.from(thrown));
    });
  });
  check(calls, "cuInit", result);
  const count = new Int32Array(1);
  check(calls, "cuDeviceGetCount", calls.cuDeviceGetCount(count));
  const [deviceCount = 0] = count;
  if (deviceCount < 1) throw new CudaError("the CUDA driver has no device");
  return new BoundDriver(calls, deviceCount);
}

/** Any reason counts: no driver, no FFI package for this system. */
async function openLibrary() {
  try {
    const { default: koffi } = await import("koffi");
    return { koffi, library: koffi.load(process.platform === "win32" ? "nvcuda.dll" : "libcuda.so.1") };
  } catch {
    return null;
  }
}

/** @returns `null` when the library cannot be loaded. @throws CudaError when it lacks a function. */
async function bindCalls(): Promise<DriverCalls | null> {
  const opened = await openLibrary();
  if (opened === null) return null;
  const { koffi, library } = opened;
  const handle = koffi.struct({ reserved: koffi.array("uint8_t", 64) });
  try {
    return {
      cuInit: library.func("int cuInit(unsigned int flags)"),
      cuDeviceGetCount: library.func("int cuDeviceGetCount(int *count)"),
      cuDeviceGet: library.func("int cuDeviceGet(int *device, int ordinal)"),
      // Contexts are pointers that only the driver follows: numbers here, of the width of a pointer.
      cuDevicePrimaryCtxRetain: library.func("int cuDevicePrimaryCtxRetain(uint64_t *context, int device)"),
      cuDevicePrimaryCtxRelease: library.func("int cuDevicePrimaryCtxRelease_v2(int device)"),
      cuCtxPushCurrent: library.func("int cuCtxPushCurrent_v2(uint64_t context)"),
      cuCtxPopCurrent: library.func("int cuCtxPopCurrent_v2(uint64_t *context)"),
      cuIpcOpenMemHandle: library.func("cuIpcOpenMemHandle_v2", "int", [
        koffi.pointer("uint64_t"),
        handle,
        "unsigned int",
      ]),
      cuIpcCloseMemHandle: library.func("int cuIpcCloseMemHandle(uint64_t address)"),
      cuMemGetAddressRange: library.func(
        "int cuMemGetAddressRange_v2(uint64_t *base, uint64_t *byteSize, uint64_t address)",
      ),
      cuMemcpyDtoH: library.func("int cuMemcpyDtoH_v2(void *target, uint64_t address, size_t byteCount)"),
      cuMemcpyHtoD: library.func(
        "int cuMemcpyHtoD_v2(uint64_t address, const void *source, size_t byteCount)",
      ),
      cuStreamSynchronize: library.func("int cuStreamSynchronize(void *stream)"),
      cuGetErrorName: library.func("int cuGetErrorName(int result, _Out_ const char **text)"),
      cuGetErrorString: library.func("int cuGetErrorString(int result, _Out_ const char **text)"),
    };
  } catch (thrown) {
    throw new CudaError(`the CUDA driver is too old: ${StatusError.from(thrown).message}`, { cause: thrown });
  }
}

function check(calls: DriverCalls, call: string, result: number): void {
  if (result === 0) return;
  const name: [string | null] = [null];
  const text: [string | null] = [null];
  calls.cuGetErrorName(result, name);
  calls.cuGetErrorString(result, text);
  throw new CudaError(
    `${call}: ${name[0] ?? `CUDA error ${result}`} (${text[0] ?? "unknown to the driver"})`,
  );
}

class BoundDriver implements CudaDriver {
  readonly deviceCount: number;
  readonly #calls: DriverCalls;
  /** What the driver answers into, one call at a time. */
  readonly #answer = new BigUint64Array(1);

  constructor(calls: DriverCalls, deviceCount: number) {
    this.#calls = calls;
    this.deviceCount = deviceCount;
  }

  retainContext(deviceId: number): bigint {
    const device = this.#deviceOf(deviceId);
    this.#check("cuDevicePrimaryCtxRetain", this.#calls.cuDevicePrimaryCtxRetain(this.#answer, device));
    return this.#answered;
  }

  releaseContext(deviceId: number): void {
    const device = this.#deviceOf(deviceId);
    this.#check("cuDevicePrimaryCtxRelease", this.#calls.cuDevicePrimaryCtxRelease(device));
  }

  pushContext(context: bigint): void {
    this.#check("cuCtxPushCurrent", this.#calls.cuCtxPushCurrent(context));
  }

  popContext(): void {
    this.#check("cuCtxPopCurrent", this.#calls.cuCtxPopCurrent(this.#answer));
  }

  openHandle(handle: Uint8Array): bigint {
    const result = this.#calls.cuIpcOpenMemHandle(this.#answer, { reserved: handle }, lazyPeerAccess);
    this.#check("cuIpcOpenMemHandle", result);
    return this.#answered;
  }

  closeHandle(address: bigint): void {
    this.#check("cuIpcCloseMemHandle", this.#calls.cuIpcCloseMemHandle(address));
  }

  bytesFrom(address: bigint): bigint {
    const base = new BigUint64Array(1);
    const result = this.#calls.cuMemGetAddressRange(base, this.#answer, address);
    this.#check("cuMemGetAddressRange", result);
    const [begin = 0n] = base;
    return begin + this.#answered - address;
  }

  copyFromDevice(target: Uint8Array, address: bigint): void {
    this.#check("cuMemcpyDtoH", this.#calls.cuMemcpyDtoH(target, address, target.byteLength));
  }

  copyToDevice(address: bigint, source: Uint8Array): void {
    this.#check("cuMemcpyHtoD", this.#calls.cuMemcpyHtoD(address, source, source.byteLength));
    // From pageable memory, such a copy returns when the driver has the bytes, not when the device has them, and nothing
    // orders the device's work with that of the client's process.
    this.#check("cuStreamSynchronize", this.#calls.cuStreamSynchronize(null));
  }

  get #answered(): bigint {
    return this.#answer[0] ?? 0n;
  }

  #deviceOf(deviceId: number): number {
    const device = new Int32Array(1);
    this.#check("cuDeviceGet", this.#calls.cuDeviceGet(device, deviceId));
    return device[0] ?? 0;
  }

  #check(call: string, result: number): void {
    check(this.#calls, call, result);
  }
}
