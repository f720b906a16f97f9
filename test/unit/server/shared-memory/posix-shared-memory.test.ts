import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { afterEach, before, describe, it } from "mocha";
import type { Failure } from "../../../../server/core/status.ts";
import { loadPosixSharedMemory } from "../../../../server/shared-memory/posix-shared-memory.ts";
import type { OpenRegion, RegionMapping } from "../../../../server/shared-memory/region-mapping.ts";
import { hasSharedMemoryFiles, SharedMemoryObject } from "../../../helpers/shared-memory-object.ts";

describe("loadPosixSharedMemory", function () {
  if (!hasSharedMemoryFiles) {
    it("needs a system that shows shared memory objects as files");
    return;
  }
  const objects: SharedMemoryObject[] = [];
  let open: OpenRegion;
  before(async () => {
    const loaded = await loadPosixSharedMemory();
    assert.ok(typeof loaded === "function", JSON.stringify(loaded));
    open = loaded;
  });
  afterEach(() => {
    for (const object of objects.splice(0)) object.unlink();
  });

  function objectOf(byteLength: number): SharedMemoryObject {
    const object = new SharedMemoryObject(Buffer.from({ length: byteLength }).map((_, index) => index % 251));
    objects.push(object);
    return object;
  }

  function mapped(result: RegionMapping | Failure): RegionMapping {
    assert.ok(!("code" in result), JSON.stringify(result));
    return result;
  }

  function bytesOf(mapping: RegionMapping, offset: number, byteLength: number): Uint8Array {
    const bytes = mapping.read(offset, byteLength);
    assert.ok(!("code" in bytes), JSON.stringify(bytes));
    return bytes;
  }

  it("a mapping shows the object's bytes and what is written to them, both ways", () => {
    const object = objectOf(10_000);
    const mapping = mapped(open(object.key, 0, 10_000));
    const view = bytesOf(mapping, 1000, 4);
    assert.deepEqual([...view], [...object.read(1000, 4)]);
    object.write(Uint8Array.of(1, 2), 1000);
    assert.deepEqual([...view.subarray(0, 2)], [1, 2]);
    view[3] = 77;
    assert.equal(object.read(1003, 1)[0], 77);
    assert.equal(mapping.unmap(), null);
  });

  it("a mapping may begin anywhere, and ends where it was told to", () => {
    const object = objectOf(20_000);
    for (const offset of [1, 4095, 4096, 4097, 19_999]) {
      const mapping = mapped(open(object.key, offset, 20_000 - offset));
      assert.deepEqual([...bytesOf(mapping, 0, 1)], [...object.read(offset, 1)]);
      assert.deepEqual([...bytesOf(mapping, 20_000 - offset - 1, 1)], [...object.read(19_999, 1)]);
      assert.throws(() => bytesOf(mapping, 0, 20_000 - offset + 1), RangeError);
      assert.equal(mapping.unmap(), null);
    }
  });

  it("a mapping's bytes are the object's, and what is written goes there", () => {
    const object = objectOf(5000);
    const mapping = mapped(open(object.key, 4097, 100));
    assert.equal(mapping.isVolatile, true);
    assert.equal(mapping.write(3, Uint8Array.of(7, 8)), null);
    assert.deepEqual([...object.read(4100, 2)], [7, 8]);
    assert.throws(() => mapping.write(99, Uint8Array.of(7, 8)), RangeError);
    assert.equal(mapping.unmap(), null);
  });

  it("a range that the object has not is refused", () => {
    const { key } = objectOf(100);
    for (const [offset, byteSize] of [
      [0, 101],
      [100, 1],
      [50, 51],
      [0, 2 ** 52],
    ] as const) {
      const refused = open(key, offset, byteSize);
      assert.ok("code" in refused);
      assert.equal(refused.code, "INVALID_ARG");
      assert.match(refused.message, /^invalid args: .* do not lie inside the 100 bytes/);
    }
  });

  it("an object that cannot be opened is told with the system's reason", () => {
    assert.deepEqual(open("/nereid-test-nobody", 0, 1), {
      code: "INTERNAL",
      message: "Unable to open shared memory region '/nereid-test-nobody': ENOENT",
    });
    for (const key of ["/../etc/passwd", "/a/b", "/..", `/${"x".repeat(300)}`]) {
      const refused = open(key, 0, 1);
      assert.ok("code" in refused, key);
      assert.equal(refused.code, "INTERNAL");
    }
  });

  it("a region larger than Node can address is refused, not fatal", () => {
    const object = objectOf(0);
    // It has no pages: nothing is written to it.
    object.truncate(2 ** 45);
    const opened = open(object.key, 0, 2 ** 45);
    if ("code" in opened)
      assert.match(opened.message, /more than this version of Node can address|Unable to map/);
    else assert.equal(opened.unmap(), null);
  });

  it("a mapping tells when its object has become smaller than the region", () => {
    const object = objectOf(8192);
    const mapping = mapped(open(object.key, 100, 4000));
    object.truncate(4100);
    assert.equal(mapping.defect(), null);
    object.truncate(4099);
    assert.equal(mapping.defect(), `'${object.key}' has become smaller than it was registered`);
    assert.equal(mapping.unmap(), null);
  });

  it("a mapping that was unmapped gives no views and is not unmapped again", () => {
    const mapping = mapped(open(objectOf(64).key, 0, 64));
    assert.equal(mapping.unmap(), null);
    assert.throws(() => bytesOf(mapping, 0, 1), /used after it was unmapped/);
    assert.throws(() => mapping.unmap(), /unmapped twice/);
  });

  it("memory stays when the object's name is removed", () => {
    const object = objectOf(64);
    const mapping = mapped(open(object.key, 0, 64));
    object.unlink();
    assert.deepEqual([...bytesOf(mapping, 0, 3)], [0, 1, 2]);
    assert.equal(mapping.unmap(), null);
  });

  it("thousands of regions come and go without a file descriptor left, refused ones too", () => {
    const { key } = objectOf(8192);
    const openFiles = (): number => readdirSync("/proc/self/fd").length;
    const countBefore = openFiles();
    for (let i = 0; i < 5000; i++) {
      const mapping = mapped(open(key, i, 1000));
      assert.equal(bytesOf(mapping, 0, 1)[0], i % 251);
      assert.equal(mapping.unmap(), null);
      assert.ok("code" in open(key, i, 8193));
    }
    assert.equal(openFiles(), countBefore);
  });
});
