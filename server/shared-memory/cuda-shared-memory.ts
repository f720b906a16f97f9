import { type Failure, failure, type Status, type StatusCode, StatusError } from "../core/status.ts";
import { type CudaDriver, CudaError, loadCudaDriver } from "./cuda-driver.ts";
import type { OpenCudaRegion, RegionMapping } from "./region-mapping.ts";

/**
 * Looks for CUDA. Nothing of it is loaded unless the operator allows shared memory.
 *
 * @param load - Loads the driver.
 * @returns What maps regions, or INVALID_ARG with the reason why there is no CUDA.
 */
export async function loadCudaSharedMemory(
  load: () => Promise<CudaDriver | null> = loadCudaDriver,
): Promise<OpenCudaRegion | Failure> {
  try {
    const driver = await load();
    if (driver === null) return failure("INVALID_ARG", "GPUs not supported");
    return (handle, deviceId, byteSize) => openRegion(driver, handle, deviceId, byteSize);
  } catch (thrown) {
    // Whatever it is, the server can do without.
    return failure("INVALID_ARG", `GPUs not supported: ${StatusError.from(thrown).message}`);
  }
}

function openRegion(
  driver: CudaDriver,
  handle: Uint8Array,
  deviceId: number,
  byteSize: number,
): RegionMapping | Failure {
  const { deviceCount } = driver;
  if (deviceId < 0 || deviceId >= deviceCount) {
    return failure(
      "INVALID_ARG",
      `invalid args: device_id must be from 0 to ${deviceCount - 1}, the CUDA devices of this machine, got ${deviceId}`,
    );
  }
  let context: bigint;
  try {
    context = driver.retainContext(deviceId);
  } catch (thrown) {
    return failureOf(thrown, "INTERNAL", `Unable to use CUDA device ${deviceId}`);
  }
  const device: Device = { driver, deviceId, context };
  let address: bigint;
  try {
    address = within(device, () => driver.openHandle(handle));
  } catch (thrown) {
    const refusal = failureOf(thrown, "INVALID_ARG", "invalid args: raw_handle cannot be opened");
    return followedBy(refusal, release(device));
  }
  const mapping = new CudaMapping(device, address);
  const refusal = mapping.sizeRefusal(byteSize);
  return refusal === null ? mapping : followedBy(refusal, mapping.unmap());
}

/** A device whose primary context is held. */
interface Device {
  readonly driver: CudaDriver;
  readonly deviceId: number;
  readonly context: bigint;
}

function release({ driver, deviceId }: Device): Status {
  return attempt(`Unable to release CUDA device ${deviceId}`, () => driver.releaseContext(deviceId));
}

/** The first failure, which also tells of the second. */
function followedBy({ code, message }: Failure, next: Status): Failure {
  return failure(code, next === null ? message : `${message}. ${next.message}`);
}

/** Another process's allocation. The device's context is held as long as it is open. */
class CudaMapping implements RegionMapping {
  readonly isVolatile = false;
  readonly #device: Device;
  readonly #address: bigint;
  #isOpen = true;

  constructor(device: Device, address: bigint) {
    this.#device = device;
    this.#address = address;
  }

  read(offset: number, byteLength: number): Uint8Array | Failure {
    const { driver } = this.#openDevice();
    try {
      // Not filled with zeros first: each byte is overwritten, or the memory is never seen.
      const bytes = Buffer.allocUnsafeSlow(byteLength);
      const address = this.#address + BigInt(offset);
      if (byteLength > 0) within(this.#device, () => driver.copyFromDevice(bytes, address));
      return bytes;
    } catch (thrown) {
      return failureOf(thrown, "INTERNAL", `Unable to read ${byteLength} bytes of CUDA memory`);
    }
  }

  write(offset: number, bytes: Uint8Array): Status {
    const { driver } = this.#openDevice();
    if (bytes.byteLength === 0) return null;
    const address = this.#address + BigInt(offset);
    return attempt(`Unable to write ${bytes.byteLength} bytes of CUDA memory`, () =>
      within(this.#device, () => driver.copyToDevice(address, bytes)),
    );
  }

  /** An allocation never changes its size, and what the driver finds wrong with it does not end the process. */
  defect(): null {
    return null;
  }

  unmap(): Status {
    const { driver } = this.#openDevice();
    this.#isOpen = false;
    const problem = attempt("Unable to close CUDA memory", () =>
      within(this.#device, () => driver.closeHandle(this.#address)),
    );
    const next = release(this.#device);
    return problem === null ? next : followedBy(problem, next);
  }

  /** Why the allocation cannot have so many bytes; `null` when it has. */
  sizeRefusal(byteSize: number): Failure | null {
    let allocatedBytes: bigint;
    try {
      allocatedBytes = within(this.#device, () => this.#device.driver.bytesFrom(this.#address));
    } catch (thrown) {
      return failureOf(thrown, "INTERNAL", "Unable to ask for the allocation's size");
    }
    if (BigInt(byteSize) <= allocatedBytes) return null;
    return failure(
      "INVALID_ARG",
      `invalid args: byte_size ${byteSize} is more than the ${allocatedBytes} bytes of the allocation`,
    );
  }

  #openDevice(): Device {
    if (!this.#isOpen) throw new Error("A region is used after it was unmapped. This is a bug.");
    return this.#device;
  }
}

/** Calls the driver in the device's context, and leaves the thread with the context that it had. */
function within<Result>({ driver, context }: Device, call: () => Result): Result {
  driver.pushContext(context);
  try {
    return call();
  } finally {
    driver.popContext();
  }
}

function attempt(what: string, call: () => void): Status {
  try {
    call();
    return null;
  } catch (thrown) {
    return failureOf(thrown, "INTERNAL", what);
  }
}

/** A bug is thrown on; what the driver says, and memory that cannot be had, are the client's to know. */
function failureOf(thrown: unknown, code: StatusCode, what: string): Failure {
  if (thrown instanceof CudaError || thrown instanceof RangeError) {
    return failure(code, `${what}: ${thrown.message}`);
  }
  throw thrown;
}
