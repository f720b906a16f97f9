import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { Failure } from "../../../../server/core/status.ts";
import { CudaError } from "../../../../server/shared-memory/cuda-driver.ts";
import { loadCudaSharedMemory } from "../../../../server/shared-memory/cuda-shared-memory.ts";
import type { OpenCudaRegion, RegionMapping } from "../../../../server/shared-memory/region-mapping.ts";
import { type CudaCall, FakeCudaDriver } from "../../../helpers/fake-cuda-driver.ts";

describe("loadCudaSharedMemory", () => {
  let driver: FakeCudaDriver;
  let open: OpenCudaRegion;
  beforeEach(async () => {
    driver = new FakeCudaDriver();
    const loaded = await loadCudaSharedMemory(() => Promise.resolve(driver));
    assert.ok(typeof loaded === "function");
    open = loaded;
  });
  afterEach(() => assert.deepEqual(driver.contexts, []));

  function mapped(result: RegionMapping | Failure): RegionMapping {
    assert.ok(!("code" in result), JSON.stringify(result));
    return result;
  }
  function refused(result: RegionMapping | Uint8Array | Failure | null): Failure {
    assert.ok(result !== null && "code" in result);
    return result;
  }
  /** Nothing is open, and no device held. */
  const assertNothingHeld = (): void => {
    assert.deepEqual([driver.retainCounts, [...driver.openCounts.values()].filter(Boolean)], [[0, 0], []]);
  };

  it("without a driver there are no GPUs", async () => {
    const absent = await loadCudaSharedMemory(() => Promise.resolve(null));
    assert.deepEqual(absent, { code: "INVALID_ARG", message: "GPUs not supported" });
  });

  it("with a driver that does not work there are none either, and the reason is told", async () => {
    for (const thrown of [new CudaError("cuInit: CUDA_ERROR_NO_DEVICE (none)"), new TypeError("a bug")]) {
      const broken = await loadCudaSharedMemory(() => Promise.reject(thrown));
      const message = `GPUs not supported: ${thrown.message}`;
      assert.deepEqual(broken, { code: "INVALID_ARG", message });
    }
  });

  it("a mapping reads copies and writes to the device", () => {
    const { handle, bytes } = driver.allocate(16);
    bytes.set([1, 2, 3, 4]);
    const mapping = mapped(open(handle, 1, 16));
    assert.equal(mapping.isVolatile, false);
    assert.equal(mapping.defect(), null);
    const read = mapping.read(1, 3);
    bytes[1] = 9;
    assert.deepEqual([...(read as Uint8Array)], [2, 3, 4]);
    assert.equal(mapping.write(14, Uint8Array.of(7, 8)), null);
    assert.deepEqual([...bytes.subarray(13)], [0, 7, 8]);
    assert.deepEqual(driver.retainCounts, [0, 1]);
    assert.equal(mapping.unmap(), null);
    assertNothingHeld();
  });

  it("nothing is asked of the device for no bytes", () => {
    const mapping = mapped(open(driver.allocate(16).handle, 0, 16));
    for (const call of ["copyFromDevice", "copyToDevice", "pushContext"] as const)
      driver.failures.set(call, "called");
    assert.equal((mapping.read(3, 0) as Uint8Array).byteLength, 0);
    assert.equal(mapping.write(3, new Uint8Array(0)), null);
  });

  it("two mappings of one allocation are closed each for itself", () => {
    const { handle, bytes } = driver.allocate(4);
    const [one, other] = [mapped(open(handle, 0, 4)), mapped(open(handle, 0, 2))];
    assert.equal(one.unmap(), null);
    assert.equal(other.write(0, Uint8Array.of(5)), null);
    assert.equal(bytes[0], 5);
    assert.equal(other.unmap(), null);
    assertNothingHeld();
  });

  it("a device that is not there is refused", () => {
    const { handle } = driver.allocate(4);
    for (const deviceId of [-1, 2, 2 ** 40]) {
      assert.deepEqual(refused(open(handle, deviceId, 4)), {
        code: "INVALID_ARG",
        message: `invalid args: device_id must be from 0 to 1, the CUDA devices of this machine, got ${deviceId}`,
      });
    }
    assertNothingHeld();
  });

  it("a handle of nothing is refused with the driver's reason", () => {
    assert.deepEqual(refused(open(Buffer.alloc(64, 77), 0, 4)), {
      code: "INVALID_ARG",
      message:
        "invalid args: raw_handle cannot be opened: cuIpcOpenMemHandle: CUDA_ERROR_INVALID_VALUE (bad)",
    });
    assertNothingHeld();
  });

  it("more bytes than the allocation has are refused", () => {
    const { handle } = driver.allocate(16);
    for (const byteSize of [17, 2 ** 64]) {
      const { code, message } = refused(open(handle, 0, byteSize));
      assert.equal(code, "INVALID_ARG");
      assert.match(message, /^invalid args: byte_size \d+ is more than the 16 bytes of the allocation$/);
    }
    assertNothingHeld();
  });

  for (const [call, code, message] of [
    ["retainContext", "INTERNAL", "Unable to use CUDA device 1: it broke"],
    ["pushContext", "INVALID_ARG", "invalid args: raw_handle cannot be opened: it broke"],
    ["bytesFrom", "INTERNAL", "Unable to ask for the allocation's size: it broke"],
  ] as const satisfies readonly (readonly [CudaCall, string, string])[]) {
    it(`a failure of ${call} refuses the registration, and nothing stays held`, () => {
      driver.failures.set(call, "it broke");
      assert.deepEqual(refused(open(driver.allocate(16).handle, 1, 16)), { code, message });
      assertNothingHeld();
    });
  }

  it("a device that fails fails what is read and written, with its reason", () => {
    const mapping = mapped(open(driver.allocate(16).handle, 0, 16));
    driver.failures.set("copyFromDevice", "cuMemcpyDtoH: CUDA_ERROR_ILLEGAL_ADDRESS (bad)");
    driver.failures.set("copyToDevice", "cuMemcpyHtoD: CUDA_ERROR_ILLEGAL_ADDRESS (bad)");
    assert.deepEqual(refused(mapping.read(0, 4)), {
      code: "INTERNAL",
      message: "Unable to read 4 bytes of CUDA memory: cuMemcpyDtoH: CUDA_ERROR_ILLEGAL_ADDRESS (bad)",
    });
    assert.deepEqual(refused(mapping.write(0, Uint8Array.of(1, 2))), {
      code: "INTERNAL",
      message: "Unable to write 2 bytes of CUDA memory: cuMemcpyHtoD: CUDA_ERROR_ILLEGAL_ADDRESS (bad)",
    });
  });

  it("bytes for which there is no memory are a failure, and no bug", () => {
    const mapping = mapped(open(driver.allocate(16).handle, 0, 16));
    assert.equal(refused(mapping.read(0, 2 ** 53)).code, "INTERNAL");
  });

  it("what cannot be closed is told, and its device released all the same", () => {
    const mapping = mapped(open(driver.allocate(16).handle, 0, 16));
    driver.failures.set("closeHandle", "one");
    assert.deepEqual(mapping.unmap(), { code: "INTERNAL", message: "Unable to close CUDA memory: one" });
    assert.deepEqual(driver.retainCounts, [0, 0]);
    const other = mapped(open(driver.allocate(16).handle, 0, 16));
    driver.failures.set("releaseContext", "two");
    assert.deepEqual(other.unmap(), {
      code: "INTERNAL",
      message: "Unable to close CUDA memory: one. Unable to release CUDA device 0: two",
    });
  });

  it("a mapping that was unmapped is not used again", () => {
    const mapping = mapped(open(driver.allocate(16).handle, 0, 16));
    assert.equal(mapping.unmap(), null);
    assert.throws(() => mapping.read(0, 1), /used after it was unmapped/);
    assert.throws(() => mapping.write(0, Uint8Array.of(1)), /used after it was unmapped/);
    assert.throws(() => mapping.unmap(), /used after it was unmapped/);
  });
});
