import assert from "node:assert/strict";
import process from "node:process";
import { before, describe, it } from "mocha";
import { ServerRefusal } from "../../../../perf_analyzer/client-backend/server-client.ts";
import { layOut } from "../../../../perf_analyzer/shared-memory/shared-layout.ts";
import {
  loadSharedObjects,
  type SharedObjects,
} from "../../../../perf_analyzer/shared-memory/shared-object.ts";
import {
  type RegionRegistry,
  SharedRegions,
} from "../../../../perf_analyzer/shared-memory/shared-regions.ts";
import { modelFixture } from "../model-fixture.ts";

const input = { name: "A", datatype: "UINT8" as const, shape: [3], data: new Uint8Array([1, 2, 3]) };
const plan = { contents: [{ inputs: [input], expected: null }], streams: [[0]] };
const layout = layOut(plan, modelFixture(), {
  batchSize: 1,
  outputBytes: 1,
  laneCount: 1,
  prefix: `nereid-unit-${process.pid}`,
});

/** A server that takes regions, but for one. */
class FakeServer implements RegionRegistry {
  readonly registered = new Map<string, number>();
  refusedName = "";

  registerSystemSharedMemory(name: string, _key: string, byteLength: number): Promise<void> {
    if (name === this.refusedName) return Promise.reject(new ServerRefusal("HTTP 501: off", true));
    this.registered.set(name, byteLength);
    return Promise.resolve();
  }

  unregisterSystemSharedMemory(name: string): Promise<void> {
    this.registered.delete(name);
    return Promise.resolve();
  }
}

describe("SharedRegions", () => {
  let objects: SharedObjects;
  before(async function () {
    if (process.platform === "win32") this.skip();
    objects = await loadSharedObjects();
  });
  const register = (server: FakeServer): Promise<SharedRegions> =>
    SharedRegions.register(layout, plan, server);
  const assertNothingLeft = (): void => {
    for (const { key } of [layout.input, layout.output]) {
      assert.throws(() => objects.open(key, 1), /Cannot open the shared memory object .*: ENOENT/);
    }
  };

  it("fills the inputs in, registers both objects, and takes them back", async () => {
    const server = new FakeServer();
    const regions = await register(server);
    assert.deepEqual([...server.registered.keys()], [layout.input.name, layout.output.name]);
    const seen = objects.open(layout.input.key, layout.input.byteLength);
    assert.deepEqual([...seen.bytes], [1, 2, 3]);
    seen.close();
    await regions.close();
    assert.equal(server.registered.size, 0);
    assertNothingLeft();
  });

  it("leaves nothing behind when the server refuses, and says what it needs", async () => {
    const server = new FakeServer();
    server.refusedName = layout.output.name;
    await assert.rejects(register(server), /does not take shared memory: HTTP 501: off\. It has to allow it/);
    assert.equal(server.registered.size, 0);
    assertNothingLeft();
  });

  it("does not take an object that exists", async () => {
    const server = new FakeServer();
    const regions = await register(server);
    await assert.rejects(register(server), /Cannot open the shared memory object .*: EEXIST/);
    assert.equal(server.registered.size, 2, "the other run's regions stay");
    await regions.close();
    assertNothingLeft();
  });
});
