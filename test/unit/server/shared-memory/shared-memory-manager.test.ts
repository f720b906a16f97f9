import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { type Failure, failure } from "../../../../server/core/status.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { SharedMemoryManager } from "../../../../server/shared-memory/shared-memory-manager.ts";
import { loadCudaSharedMemory } from "../../../../server/shared-memory/cuda-shared-memory.ts";
import { FakeCudaDriver } from "../../../helpers/fake-cuda-driver.ts";
import { FakeSharedMemory } from "../../../helpers/fake-region-mapping.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

describe("SharedMemoryManager", () => {
  let problems: Failure[];
  let memory: FakeSharedMemory;
  let manager: SharedMemoryManager;
  beforeEach(async () => {
    problems = [];
    memory = new FakeSharedMemory();
    manager = new SharedMemoryManager((failed) => problems.push(failed));
    assert.equal(await manager.enable(memory.loaders), null);
  });

  const register = (name: string, byteSize = 64, key = `/${name}`, offset = 0) =>
    manager.registerSystem({ name, key, offset, byteSize });

  function attach(region: string, offset: number | bigint, byteSize: number | bigint): Failure | null {
    const { request } = makeRequest({ inputs: [new Tensor("A", "INT8", [4], new Uint8Array(0))] });
    return manager.attach(request, { inputs: [{ region, offset, byteSize }], outputs: new Map() });
  }

  it("SharedMemoryManager refuses everything but the status until it is enabled", () => {
    const off = new SharedMemoryManager(assert.ifError);
    const init = { name: "a", key: "/a", offset: 0, byteSize: 4 };
    const cuda = { name: "a", rawHandle: Buffer.alloc(64), deviceId: 0, byteSize: 4 };
    assert.equal(off.canRegister("system"), false);
    for (const refusal of [
      off.registerSystem(init),
      off.registerCuda(cuda),
      off.unregister("system", "a"),
      off.unregister("cuda", ""),
      off.registrationRefusal("system", "a"),
      off.registrationRefusal("cuda", "a"),
    ]) {
      assert.equal(refusal?.code, "UNSUPPORTED");
      assert.match(refusal.message, /^Client shared memory is disabled.*--allow-client-shm=true/);
    }
    assert.deepEqual([off.status("system", ""), off.status("cuda", "")], [[], []]);
    off.close();
  });

  it("SharedMemoryManager.enable tells why a system has no shared memory, and every registration then does", async () => {
    const reason = failure("UNSUPPORTED", "Client shared memory is not available: no such thing");
    const off = new SharedMemoryManager(assert.ifError);
    assert.equal(await off.enable({ ...memory.loaders, system: () => Promise.resolve(reason) }), reason);
    assert.equal(off.canRegister("system"), false);
    assert.equal(off.registerSystem({ name: "a", key: "/a", offset: 0, byteSize: 4 }), reason);
  });

  it("SharedMemoryManager.status shows regions as they were registered", () => {
    assert.equal(register("a", 64, "/k", 128), null);
    assert.equal(register("b", 32), null);
    const a = { name: "a", key: "/k", offset: 128, byteSize: 64 };
    assert.deepEqual(manager.status("system", ""), [a, { name: "b", key: "/b", offset: 0, byteSize: 32 }]);
    assert.deepEqual(manager.status("system", "a"), [a]);
    assert.deepEqual(manager.status("system", "c"), {
      code: "NOT_FOUND",
      message: "Unable to find system shared memory region: 'c'",
    });
    // Of the other kind.
    assert.deepEqual(manager.status("cuda", "a"), {
      code: "NOT_FOUND",
      message: "Unable to find cuda shared memory region: 'a'",
    });
  });

  for (const [what, region, code, message] of [
    ["no name", { name: "" }, "INVALID_ARG", /^'name' is necessary/],
    ["a key of slashes", { key: "//" }, "INVALID_ARG", /invalid shm key "\/\/"/],
    ["a key with a NUL", { key: "/a\0b" }, "INVALID_ARG", /invalid shm key "\/a\\u0000b"/],
    ["a reserved key", { key: "/triton_python_backend_shm_region_7" }, "INVALID_ARG", /reserved prefix/],
    ["no bytes", { byteSize: 0 }, "INVALID_ARG", /byte_size must be at least 1/],
    ["bytes beyond counting", { byteSize: 2 ** 53 }, "INVALID_ARG", /reach beyond 2\^53 bytes/],
    ["a range that is not there", { byteSize: 2000 }, "INVALID_ARG", /region 'a': invalid args: too large/],
    ["an object that is not there", { key: "/missing" }, "INTERNAL", /region 'a': Unable to open.*ENOENT/],
  ] as const) {
    it(`SharedMemoryManager.registerSystem refuses ${what}`, () => {
      const refusal = manager.registerSystem({ name: "a", key: "/a", offset: 0, byteSize: 4, ...region });
      assert.equal(refusal?.code, code);
      assert.match(refusal.message, message);
      assert.deepEqual(manager.status("system", ""), []);
    });
  }

  it("SharedMemoryManager.registerSystem refuses a name that is taken, until it is unregistered", () => {
    assert.equal(register("a"), null);
    const refusal = { code: "ALREADY_EXISTS", message: "shared memory region 'a' already in manager" };
    assert.deepEqual(register("a", 32), refusal);
    // One set of names for both kinds.
    const cuda = { name: "a", rawHandle: Buffer.alloc(64), deviceId: 0, byteSize: 4 };
    assert.deepEqual(manager.registerCuda(cuda), refusal);
    assert.equal(manager.unregister("system", "a"), null);
    assert.equal(register("a", 32), null);
    assert.deepEqual(
      memory.mappings.map(({ unmapCount }) => unmapCount),
      [1, 0],
    );
  });

  it("SharedMemoryManager.registerCuda refuses handles, with another reason when they are none", () => {
    const cuda = (bytes: number) =>
      manager.registerCuda({ name: "a", rawHandle: Buffer.alloc(bytes), deviceId: 0, byteSize: 4 });
    assert.match(cuda(65)?.message ?? "", /'raw_handle' must be 64 bytes, got 65/);
    assert.deepEqual(cuda(64), {
      code: "INVALID_ARG",
      message: "failed to register CUDA shared memory region: 'a', GPUs not supported",
    });
  });

  it("SharedMemoryManager.unregister unmaps one region, or all of the kind", () => {
    for (const name of ["a", "b", "c"]) assert.equal(register(name), null);
    assert.equal(manager.unregister("system", "b"), null);
    assert.equal(manager.unregister("system", "nobody"), null);
    assert.equal(manager.unregister("cuda", "a"), null);
    assert.equal(manager.unregister("cuda", ""), null);
    assert.deepEqual(
      memory.mappings.map(({ unmapCount }) => unmapCount),
      [0, 1, 0],
    );
    assert.equal(manager.unregister("system", ""), null);
    assert.deepEqual(
      memory.mappings.map(({ unmapCount }) => unmapCount),
      [1, 1, 1],
    );
    assert.deepEqual(manager.status("system", ""), []);
  });

  it("SharedMemoryManager.unregister tells of memory that was not given back, and still forgets all", () => {
    for (const name of ["a", "b"]) assert.equal(register(name), null);
    const problem = failure("INTERNAL", "Unable to unmap '/a': EINVAL");
    memory.mappings[0]!.unmapProblem = problem;
    assert.equal(manager.unregister("system", ""), problem);
    assert.deepEqual(manager.status("system", ""), []);
    assert.equal(memory.mappings[1]!.unmapCount, 1);
  });

  it("SharedMemoryManager.close unmaps everything and reports what failed", () => {
    assert.equal(register("a"), null);
    const problem = failure("INTERNAL", "Unable to unmap '/a': EINVAL");
    memory.mappings[0]!.unmapProblem = problem;
    manager.close();
    assert.deepEqual(problems, [problem]);
  });

  for (const [what, offset, byteSize, message] of [
    [
      "an offset at the end",
      64,
      1,
      /^Invalid offset for shared memory region: 'a': 64 is not below its 64 bytes/,
    ],
    ["an offset beyond 2^53", 2n ** 60n, 1, /^Invalid offset for/],
    ["a range beyond the end", 32, 33, /^Invalid offset \+ byte size for shared memory region: 'a'/],
    ["a size beyond 2^53", 0, 2n ** 60n, /^Invalid offset \+ byte size for/],
    ["a size just below 2^64", 0, 2n ** 64n - 1n, /^Invalid offset \+ byte size for/],
    [
      "a range that wraps at 2^64",
      1,
      2n ** 64n - 1n,
      /^Integer overflow detected for shared memory region: 'a'/,
    ],
  ] as const) {
    it(`SharedMemoryManager.attach refuses ${what}`, () => {
      assert.equal(register("a"), null);
      const refusal = attach("a", offset, byteSize);
      assert.equal(refusal?.code, "INVALID_ARG");
      assert.match(refusal.message, message);
      // Nothing is held.
      assert.equal(manager.unregister("system", "a"), null);
      assert.equal(memory.mappings[0]!.unmapCount, 1);
    });
  }

  it("SharedMemoryManager.attach refuses an unknown region and one whose object was cut off", () => {
    assert.deepEqual(attach("a", 0, 4), {
      code: "NOT_FOUND",
      message: "Unable to find shared memory region: 'a'",
    });
    assert.equal(register("a"), null);
    memory.mappings[0]!.isObjectCut = true;
    assert.match(attach("a", 0, 4)?.message ?? "", /'\/a' has become smaller than it was registered/);
  });

  it("SharedMemoryManager.attach leaves a request that it refuses as it was, and holds none of its regions", () => {
    for (const name of ["a", "b"]) assert.equal(register(name), null);
    const inputs = ["A", "B"].map((name) => new Tensor(name, "INT8", [4], new Uint8Array(0)));
    const { request, sink } = makeRequest({ inputs });
    const good = { region: "a", offset: 0, byteSize: 4 };
    const outputs = new Map([["C", { region: "nobody", offset: 0, byteSize: 4 }]]);
    const places = { inputs: [good, { ...good, region: "b" }], outputs };
    assert.equal(manager.attach(request, places)?.code, "NOT_FOUND");
    assert.deepEqual([request.inputs, request.sink], [inputs, sink]);
    manager.close();
    assert.deepEqual(
      memory.mappings.map(({ unmapCount }) => unmapCount),
      [1, 1],
    );
  });

  describe("with CUDA", () => {
    let driver: FakeCudaDriver;
    let handle: Buffer;
    beforeEach(async () => {
      driver = new FakeCudaDriver();
      ({ handle } = driver.allocate(64));
      await manager.enable({
        ...memory.loaders,
        cuda: () => loadCudaSharedMemory(() => Promise.resolve(driver)),
      });
    });
    const registerCuda = (name: string, byteSize = 64, deviceId = 0) =>
      manager.registerCuda({ name, rawHandle: handle, deviceId, byteSize });

    it("SharedMemoryManager.canRegister tells of each kind for itself", async () => {
      assert.deepEqual([manager.canRegister("system"), manager.canRegister("cuda")], [true, true]);
      const reason = failure("UNSUPPORTED", "Client shared memory is not available: Windows");
      const onlyCuda = new SharedMemoryManager(assert.ifError);
      const cuda = () => loadCudaSharedMemory(() => Promise.resolve(driver));
      assert.equal(await onlyCuda.enable({ system: () => Promise.resolve(reason), cuda }), reason);
      assert.deepEqual([onlyCuda.canRegister("system"), onlyCuda.canRegister("cuda")], [false, true]);
      assert.equal(onlyCuda.unregister("system", ""), reason);
      assert.equal(onlyCuda.registerCuda({ name: "a", rawHandle: handle, deviceId: 0, byteSize: 4 }), null);
      onlyCuda.close();
      assert.deepEqual(driver.retainCounts, [0, 0]);
      const without = new SharedMemoryManager(assert.ifError);
      await without.enable(memory.loaders);
      assert.deepEqual([without.canRegister("system"), without.canRegister("cuda")], [true, false]);
    });

    it("SharedMemoryManager.status shows each kind its own regions, under one set of names", () => {
      assert.equal(registerCuda("c", 32, 1), null);
      assert.equal(register("s"), null);
      const shown = { name: "c", deviceId: 1, byteSize: 32 };
      assert.deepEqual(manager.status("cuda", ""), [shown]);
      assert.deepEqual(manager.status("cuda", "c"), [shown]);
      assert.deepEqual(manager.status("cuda", "s"), {
        code: "NOT_FOUND",
        message: "Unable to find cuda shared memory region: 's'",
      });
      assert.equal((manager.status("system", "c") as Failure).code, "NOT_FOUND");
      assert.equal(register("c")?.code, "ALREADY_EXISTS");
      assert.equal(registerCuda("s")?.code, "ALREADY_EXISTS");
    });

    for (const [what, byteSize, deviceId, message] of [
      ["no bytes", 0, 0, /region 'c': invalid args: byte_size must be at least 1$/],
      ["bytes that are not there", 65, 0, /region 'c': invalid args: byte_size 65 is more than the 64 bytes/],
      ["a device that is not there", 64, 2, /region 'c': invalid args: device_id must be from 0 to 1/],
    ] as const) {
      it(`SharedMemoryManager.registerCuda refuses ${what}`, () => {
        const refusal = registerCuda("c", byteSize, deviceId);
        assert.equal(refusal?.code, "INVALID_ARG");
        assert.match(refusal.message, message);
        assert.deepEqual(manager.status("cuda", ""), []);
        assert.deepEqual(driver.retainCounts, [0, 0]);
      });
    }

    it("SharedMemoryManager.unregister closes what is of the kind", () => {
      for (const name of ["a", "b", "c"]) assert.equal(registerCuda(name), null);
      assert.equal(register("s"), null);
      assert.equal(manager.unregister("system", "a"), null);
      assert.equal(manager.unregister("cuda", "s"), null);
      assert.equal(driver.openCounts.get(1), 3);
      assert.equal(manager.unregister("cuda", "b"), null);
      assert.equal(driver.openCounts.get(1), 2);
      assert.equal(manager.unregister("cuda", ""), null);
      assert.deepEqual([driver.openCounts.get(1), memory.mappings[0]!.unmapCount], [0, 0]);
      manager.close();
      assert.equal(memory.mappings[0]!.unmapCount, 1);
    });

    it("SharedMemoryManager.attach leaves a request whose bytes the device does not give as it was", () => {
      assert.equal(registerCuda("c"), null);
      driver.failures.set("copyFromDevice", "cuMemcpyDtoH: CUDA_ERROR_ECC_UNCORRECTABLE (broken)");
      assert.deepEqual(attach("c", 0, 4), {
        code: "INTERNAL",
        message:
          "input 'A': Unable to read 4 bytes of CUDA memory: cuMemcpyDtoH: CUDA_ERROR_ECC_UNCORRECTABLE (broken)",
      });
      assert.match(attach("c", 64, 1)?.message ?? "", /^Invalid offset for shared memory region: 'c'/);
      // Nothing is held.
      assert.equal(manager.unregister("cuda", "c"), null);
      assert.deepEqual(driver.retainCounts, [0, 0]);
    });
  });
});
