import assert from "node:assert/strict";
import { type CudaDriver, CudaError } from "../../server/shared-memory/cuda-driver.ts";

/** The calls that can be made to fail. */
export type CudaCall = Exclude<keyof CudaDriver, "deviceCount">;

/**
 * Two devices with the allocations of an imaginary other process. It is as strict as the driver: what needs a context must
 * have the right one, and what was opened must be closed before its device is released.
 */
export class FakeCudaDriver implements CudaDriver {
  readonly deviceCount = 2;
  /** By the first byte of their handles. Each begins at its number times 2^60, which no process can address. */
  readonly allocations = new Map<number, Uint8Array>();
  /** The driver's calls that fail, and with what. */
  readonly failures = new Map<CudaCall, string>();
  /** How often each device is held, and each allocation opened. */
  readonly retainCounts = [0, 0];
  readonly openCounts = new Map<number, number>();
  readonly contexts: bigint[] = [];

  /** A handle of an allocation of that many bytes. */
  allocate(byteSize: number): { readonly handle: Buffer; readonly bytes: Uint8Array } {
    const number = this.allocations.size + 1;
    const bytes = new Uint8Array(byteSize);
    this.allocations.set(number, bytes);
    const handle = Buffer.alloc(64);
    handle[0] = number;
    return { handle, bytes };
  }

  retainContext(deviceId: number): bigint {
    this.#mayFail("retainContext");
    this.retainCounts[deviceId]!++;
    return BigInt(deviceId + 100);
  }

  releaseContext(deviceId: number): void {
    this.#mayFail("releaseContext");
    this.retainCounts[deviceId]!--;
    assert.ok(this.retainCounts[deviceId]! >= 0);
  }

  pushContext(context: bigint): void {
    this.#mayFail("pushContext");
    this.contexts.push(context);
  }

  popContext(): void {
    this.#mayFail("popContext");
    assert.ok(this.contexts.pop() !== undefined);
  }

  openHandle(handle: Uint8Array): bigint {
    this.#mayFail("openHandle");
    this.#checkContext();
    const number = handle[0]!;
    if (!this.allocations.has(number))
      throw new CudaError("cuIpcOpenMemHandle: CUDA_ERROR_INVALID_VALUE (bad)");
    this.openCounts.set(number, (this.openCounts.get(number) ?? 0) + 1);
    return BigInt(number) << 60n;
  }

  closeHandle(address: bigint): void {
    this.#mayFail("closeHandle");
    this.#checkContext();
    const number = Number(address >> 60n);
    const openCount = this.openCounts.get(number) ?? 0;
    assert.ok(openCount > 0);
    this.openCounts.set(number, openCount - 1);
  }

  bytesFrom(address: bigint): bigint {
    this.#mayFail("bytesFrom");
    return BigInt(this.#at(address).byteLength);
  }

  copyFromDevice(target: Uint8Array, address: bigint): void {
    this.#mayFail("copyFromDevice");
    target.set(this.#at(address).subarray(0, target.byteLength));
  }

  copyToDevice(address: bigint, source: Uint8Array): void {
    this.#mayFail("copyToDevice");
    this.#at(address).set(source);
  }

  #at(address: bigint): Uint8Array {
    this.#checkContext();
    const number = Number(address >> 60n);
    assert.ok((this.openCounts.get(number) ?? 0) > 0, "the allocation is not open");
    return this.allocations.get(number)!.subarray(Number(BigInt.asUintN(60, address)));
  }

  #checkContext(): void {
    const deviceId = Number((this.contexts.at(-1) ?? 0n) - 100n);
    assert.ok((this.retainCounts[deviceId] ?? 0) > 0, "no context that is held is current");
  }

  #mayFail(call: CudaCall): void {
    const message = this.failures.get(call);
    if (message !== undefined) throw new CudaError(message);
  }
}
