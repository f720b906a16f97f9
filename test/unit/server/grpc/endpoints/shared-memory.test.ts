import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { loadCudaSharedMemory } from "../../../../../server/shared-memory/cuda-shared-memory.ts";
import { FakeCudaDriver } from "../../../../helpers/fake-cuda-driver.ts";
import { FakeSharedMemory } from "../../../../helpers/fake-region-mapping.ts";
import { GrpcFixture } from "../grpc-fixture.ts";

const invalidArgument = 3;
const notFound = 5;
const alreadyExists = 6;
const unimplemented = 12;

describe("gRPC shared memory endpoints", () => {
  let grpc: GrpcFixture;
  let memory: FakeSharedMemory;
  beforeEach(async () => {
    grpc = await GrpcFixture.start();
    memory = new FakeSharedMemory();
    await grpc.dataPlane.sharedMemory.enable(memory.loaders);
  });
  afterEach(() => grpc.stop());

  const register = (name: string) =>
    grpc.call("SystemSharedMemoryRegister", { name, key: "/k", offset: 4, byte_size: 64 });

  it("SystemSharedMemoryRegister, Status and Unregister answer as the protocol has it", async () => {
    assert.deepEqual(await register("r"), {});
    const { regions } = (await grpc.call("SystemSharedMemoryStatus")) as { regions: Record<string, object> };
    assert.deepEqual(Object.keys(regions), ["r"]);
    assert.deepEqual(JSON.parse(JSON.stringify(regions["r"])), {
      name: "r",
      key: "/k",
      offset: "4",
      byte_size: "64",
    });
    assert.equal((await grpc.failure("SystemSharedMemoryStatus", { name: "x" })).code, notFound);
    assert.deepEqual(await grpc.call("SystemSharedMemoryUnregister", { name: "r" }), {});
    assert.equal(memory.mappings[0]?.unmapCount, 1);
  });

  it("SystemSharedMemoryRegister refuses a name that is taken, and none", async () => {
    await register("r");
    const again = { name: "r", key: "/k", byte_size: 64 };
    assert.equal((await grpc.failure("SystemSharedMemoryRegister", again)).code, alreadyExists);
    const nameless = { key: "/k", byte_size: 64 };
    assert.equal((await grpc.failure("SystemSharedMemoryRegister", nameless)).code, invalidArgument);
    const huge = { name: "s", key: "/k", byte_size: "18446744073709551615" };
    assert.equal((await grpc.failure("SystemSharedMemoryRegister", huge)).code, invalidArgument);
  });

  it("SystemSharedMemoryUnregister without a name takes all regions", async () => {
    await register("a");
    await register("b");
    await grpc.call("SystemSharedMemoryUnregister");
    assert.deepEqual(
      memory.mappings.map(({ unmapCount }) => unmapCount),
      [1, 1],
    );
  });

  it("CudaSharedMemoryRegister, Status and Unregister answer as the protocol has it", async () => {
    const driver = new FakeCudaDriver();
    const cuda = () => loadCudaSharedMemory(() => Promise.resolve(driver));
    await grpc.dataPlane.sharedMemory.enable({ ...memory.loaders, cuda });
    const message = { name: "c", raw_handle: driver.allocate(64).handle, device_id: 1, byte_size: 64 };
    assert.deepEqual(await grpc.call("CudaSharedMemoryRegister", message), {});
    for (const name of ["", "c"]) {
      assert.deepEqual(JSON.parse(JSON.stringify(await grpc.call("CudaSharedMemoryStatus", { name }))), {
        regions: { c: { name: "c", device_id: "1", byte_size: "64" } },
      });
    }
    for (const wrong of [{ device_id: -1 }, { byte_size: "18446744073709551615" }, { byte_size: 0 }]) {
      const refusal = await grpc.failure("CudaSharedMemoryRegister", { ...message, name: "d", ...wrong });
      assert.equal(refusal.code, invalidArgument);
      assert.match(refusal.details, /^failed to register shared memory region 'd': invalid args/);
    }
    assert.deepEqual(await grpc.call("CudaSharedMemoryUnregister"), {});
    assert.deepEqual(await grpc.call("CudaSharedMemoryStatus"), {});
    assert.deepEqual(driver.retainCounts, [0, 0]);
  });

  it("CudaSharedMemoryRegister refuses without CUDA, Status has no regions and Unregister nothing to do", async () => {
    const cuda = { name: "c", raw_handle: Buffer.alloc(64), device_id: 0, byte_size: 64 };
    const refusal = await grpc.failure("CudaSharedMemoryRegister", cuda);
    assert.equal(refusal.code, invalidArgument);
    assert.match(refusal.details, /GPUs not supported/);
    assert.deepEqual(await grpc.call("CudaSharedMemoryUnregister", { name: "c" }), {});
    assert.deepEqual(await grpc.call("CudaSharedMemoryStatus"), {});
    assert.equal((await grpc.failure("CudaSharedMemoryStatus", { name: "c" })).code, notFound);
  });

  it("registering is refused while shared memory is off", async () => {
    const off = await GrpcFixture.start();
    const { code, details } = await off.failure("SystemSharedMemoryRegister", { name: "r" });
    await off.stop();
    assert.equal(code, unimplemented);
    assert.match(details, /^Client shared memory is disabled/);
  });

  it("ModelInfer lets go of its regions when the model refuses the request", async () => {
    await register("r");
    grpc.dataPlane.echo.refusal = { code: "INVALID_ARG", message: "wrong shape" };
    const parameters = {
      shared_memory_region: { string_param: "r" },
      shared_memory_byte_size: { int64_param: 4 },
    };
    const inputs = [{ name: "INPUT0", datatype: "INT8", shape: [4], parameters }];
    assert.equal((await grpc.failure("ModelInfer", { model_name: "echo", inputs })).code, invalidArgument);
    await grpc.call("SystemSharedMemoryUnregister");
    assert.equal(memory.mappings[0]?.unmapCount, 1);
  });
});
