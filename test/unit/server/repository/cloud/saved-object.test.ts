import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { describe, it } from "mocha";
import { parseCloudAddress } from "../../../../../server/repository/cloud/cloud-address.ts";
import type { StoredObject } from "../../../../../server/repository/cloud/object-store.ts";
import { saveObject } from "../../../../../server/repository/cloud/saved-object.ts";
import { Deferred } from "../../../../helpers/deferred.ts";
import { FakeObjectStore } from "../../../../helpers/fake-object-store.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("saveObject", () => {
  const directory = useTestDirectory();
  const address = parseCloudAddress("s3://bucket/p/");
  assert.ok(!("expected" in address));
  const options = { address, signal: new AbortController().signal, stallMs: 60_000 };

  async function listed(store: FakeObjectStore): Promise<StoredObject> {
    const [object] = await store.list("");
    assert.ok(object !== undefined);
    return object;
  }

  function storeOf(content: string): FakeObjectStore {
    const store = new FakeObjectStore();
    store.put("p/m/1/model.onnx", content);
    return store;
  }

  it("saveObject writes what the object holds", async () => {
    const store = storeOf("content");
    const file = directory.in("file");
    await saveObject(store, await listed(store), file, options);
    assert.equal(readFileSync(file, "utf8"), "content");
  });

  it("saveObject names the object when its transfer breaks off", async () => {
    const store = storeOf("content");
    store.failures.set("p/m/1/model.onnx", new Error("gone away"));
    await assert.rejects(saveObject(store, await listed(store), directory.in("file"), options), {
      message: "failed to read 's3://bucket/p/m/1/model.onnx' at step 'request': gone away; do something",
    });
  });

  it("saveObject names the object when it cannot be opened", async () => {
    const store = storeOf("content");
    store.open = () => Promise.reject(new Error("not for you"));
    await assert.rejects(saveObject(store, await listed(store), directory.in("file"), options), {
      message: /model\.onnx' at step 'request': not for you/,
    });
  });

  it("saveObject refuses another number of bytes than was listed", async () => {
    const store = storeOf("content");
    const object = { ...(await listed(store)), sizeBytes: 9 };
    await assert.rejects(saveObject(store, object, directory.in("file"), options), {
      message: /at step 'key': 7 bytes came, not the 9 that were listed; /,
    });
  });

  it("saveObject says when it is the disk that fails", async () => {
    const store = storeOf("content");
    const object = await listed(store);
    await assert.rejects(saveObject(store, object, directory.in("none", "file"), options), {
      message: /^cannot write the copy of 's3:\/\/bucket\/p\/m\/1\/model\.onnx': ENOENT/,
    });
    directory.write("old", "file");
    await assert.rejects(saveObject(store, object, directory.in("file"), options), /EEXIST/);
    assert.equal(readFileSync(directory.in("file"), "utf8"), "old");
  });

  it("saveObject gives up a transfer that brings nothing any more", async () => {
    const store = storeOf("content");
    store.gates.set("p/m/1/model.onnx", new Deferred());
    const object = await listed(store);
    await assert.rejects(saveObject(store, object, directory.in("file"), { ...options, stallMs: 5 }), {
      message: /at step 'request': nothing came for 0\.005 s/,
    });
  });

  it("saveObject ends when it is told to", async () => {
    const store = storeOf("content");
    const body = new Readable({ read: () => undefined });
    store.open = () => Promise.resolve(body);
    const giveUp = new AbortController();
    const saving = saveObject(store, await listed(store), directory.in("file"), {
      ...options,
      signal: giveUp.signal,
    });
    giveUp.abort();
    await assert.rejects(saving);
    assert.ok(body.destroyed);
  });
});
