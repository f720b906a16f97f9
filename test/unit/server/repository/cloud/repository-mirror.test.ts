import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, it } from "mocha";
import { LoadSlots } from "../../../../../server/model/load-slots.ts";
import { parseCloudAddress } from "../../../../../server/repository/cloud/cloud-address.ts";
import {
  modelsDirectory,
  RepositoryMirror,
} from "../../../../../server/repository/cloud/repository-mirror.ts";
import { Deferred, settle } from "../../../../helpers/deferred.ts";
import { FakeObjectStore } from "../../../../helpers/fake-object-store.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("RepositoryMirror", () => {
  const directory = useTestDirectory();
  let store: FakeObjectStore;
  let mirror: RepositoryMirror;
  let news: string[];
  let openedStores: number;

  beforeEach(() => {
    store = new FakeObjectStore();
    store.put("p/a/config.json", "{}");
    store.put("p/a/1/model.onnx", "a1");
    store.put("p/b/1/model.onnx", "b1");
    store.put("q/c/1/model.onnx", "elsewhere");
    news = [];
    openedStores = 0;
    const address = parseCloudAddress("s3://bucket/p");
    assert.ok(!("expected" in address));
    mirror = new RepositoryMirror({
      address,
      directory: directory.in("mirror"),
      openStore: () => {
        openedStores++;
        return Promise.resolve(store);
      },
      transfers: new LoadSlots(2),
      onNews: ({ sentence }) => news.push(sentence),
      stallMs: 60_000,
    });
  });

  /** Paths and contents of all files of the copy. */
  function copied(): Record<string, string> {
    const root = modelsDirectory(directory.in("mirror"));
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
    return Object.fromEntries(
      files
        .filter((file) => statSync(path.join(root, file)).isFile())
        .map((file) => [file.replaceAll("\\", "/"), readFileSync(path.join(root, file), "utf8")]),
    );
  }

  function modifiedMs(file: string): number {
    return statSync(path.join(modelsDirectory(directory.in("mirror")), file)).mtimeMs;
  }

  function leftovers(): string[] {
    return readdirSync(directory.in("mirror", "incoming"));
  }

  it("RepositoryMirror copies what is below the prefix", async () => {
    assert.deepEqual(await mirror.refresh(), []);
    assert.deepEqual(copied(), { "a/1/model.onnx": "a1", "a/config.json": "{}", "b/1/model.onnx": "b1" });
    assert.deepEqual(leftovers(), []);
    assert.deepEqual(news.toSorted(), [
      "Copied model 'a' of 's3://bucket/p': 2 files, 0.0 MB transferred",
      "Copied model 'b' of 's3://bucket/p': 1 files, 0.0 MB transferred",
    ]);
  });

  it("RepositoryMirror makes empty directories where there are objects for them", async () => {
    store.put("p/ensemble/1/", "");
    await mirror.refresh();
    assert.ok(existsSync(path.join(modelsDirectory(directory.in("mirror")), "ensemble", "1")));
  });

  it("RepositoryMirror transfers only what has changed, and leaves the rest its modification time", async () => {
    await mirror.refresh();
    const before = [modifiedMs("a/1/model.onnx"), modifiedMs("a/config.json")];
    store.opened.length = 0;
    await mirror.refresh();
    assert.deepEqual(store.opened, []);
    store.put("p/a/config.json", "{ }");
    store.put("p/a/2/model.onnx", "a2");
    await mirror.refresh();
    assert.deepEqual(store.opened.toSorted(), ["p/a/2/model.onnx", "p/a/config.json"]);
    assert.deepEqual(copied(), {
      "a/1/model.onnx": "a1",
      "a/2/model.onnx": "a2",
      "a/config.json": "{ }",
      "b/1/model.onnx": "b1",
    });
    assert.equal(modifiedMs("a/1/model.onnx"), before[0]);
    assert.notEqual(modifiedMs("a/config.json"), before[1]);
  });

  it("RepositoryMirror notices other content of the same size", async () => {
    await mirror.refresh();
    store.put("p/a/1/model.onnx", "A1");
    await mirror.refresh();
    assert.equal(copied()["a/1/model.onnx"], "A1");
  });

  it("RepositoryMirror removes files and models that are gone", async () => {
    await mirror.refresh();
    store.delete("p/a/config.json", "p/b/1/model.onnx");
    await mirror.refresh();
    assert.deepEqual(copied(), { "a/1/model.onnx": "a1" });
    assert.deepEqual(readdirSync(modelsDirectory(directory.in("mirror"))), ["a"]);
    assert.deepEqual(leftovers(), []);
  });

  it("RepositoryMirror shows nothing of a model before all of it is there", async () => {
    await mirror.refresh();
    store.put("p/a/1/model.onnx", "new");
    store.put("p/a/2/model.onnx", "a2");
    const gate = new Deferred<void>();
    store.gates.set("p/a/2/model.onnx", gate);
    const refreshing = mirror.refresh();
    while (leftovers().length === 0 || store.openCount !== 1) await settle();
    assert.deepEqual(copied(), { "a/1/model.onnx": "a1", "a/config.json": "{}", "b/1/model.onnx": "b1" });
    gate.resolve();
    await refreshing;
    assert.equal(copied()["a/1/model.onnx"], "new");
    assert.equal(copied()["a/2/model.onnx"], "a2");
  });

  it("RepositoryMirror keeps a model that cannot be copied as it was, and copies the others", async () => {
    await mirror.refresh();
    store.put("p/a/1/model.onnx", "bad");
    store.put("p/b/1/model.onnx", "b2");
    store.failures.set("p/a/1/model.onnx", new Error("broken"));
    const problem = {
      code: "INTERNAL",
      message: "failed to read 's3://bucket/p/a/1/model.onnx' at step 'request': broken; do something",
    };
    assert.deepEqual(await mirror.refresh(), [{ name: "a", repository: "s3://bucket/p", problem }]);
    assert.deepEqual(copied(), { "a/1/model.onnx": "a1", "a/config.json": "{}", "b/1/model.onnx": "b2" });
    assert.deepEqual(leftovers(), []);
    store.failures.clear();
    assert.deepEqual(await mirror.refresh(), []);
    assert.equal(copied()["a/1/model.onnx"], "bad");
  });

  it("RepositoryMirror gives up a model's other transfers with the first that fails", async () => {
    await mirror.refresh();
    store.put("p/a/1/model.onnx", "bad");
    store.put("p/a/2/model.onnx", "slow");
    store.gates.set("p/a/2/model.onnx", new Deferred());
    store.failures.set("p/a/1/model.onnx", new Error("broken"));
    const [failed] = await mirror.refresh();
    assert.match(failed?.problem.message ?? "", /broken/);
  });

  it("RepositoryMirror refuses keys that lead out of their model", async () => {
    store.put("p/a/../../../evil", "x");
    const [failed] = await mirror.refresh();
    assert.deepEqual([failed?.name, failed?.problem.code], ["a", "INVALID_ARG"]);
    assert.match(
      failed?.problem.message ?? "",
      /'p\/a\/\.\.\/\.\.\/\.\.\/evil' cannot be a file of a directory/,
    );
    assert.deepEqual(Object.keys(copied()), ["b/1/model.onnx"]);
  });

  it("RepositoryMirror stays as it was when the listing fails, and opens the storage anew afterwards", async () => {
    await mirror.refresh();
    const before = copied();
    store.listFailure = new Error("expired");
    await assert.rejects(mirror.refresh(), {
      message: "failed to read 's3://bucket/p' at step 'request': expired; do something",
    });
    assert.deepEqual(copied(), before);
    assert.equal(openedStores, 1);
    store.listFailure = null;
    await mirror.refresh();
    assert.equal(openedStores, 2);
  });

  it("RepositoryMirror bounds the transfers at the same time", async () => {
    for (let i = 0; i < 20; i++) store.put(`p/many/${i}/model.onnx`, "content");
    await mirror.refresh();
    assert.equal(store.mostOpenCount, 2);
  });

  it("RepositoryMirror copies and removes single models", async () => {
    store.put("p/ab/1/model.onnx", "another");
    assert.deepEqual(await mirror.refreshModels(["a", "none", "../q", ""]), []);
    assert.deepEqual(copied(), { "a/1/model.onnx": "a1", "a/config.json": "{}" });
    store.delete("p/a/config.json", "p/a/1/model.onnx");
    await mirror.refreshModels(["a"]);
    assert.deepEqual(copied(), {});
  });

  it("RepositoryMirror lists the names of models without copying any", async () => {
    store.put("p/.hidden/x", "x");
    store.put("p/file", "x");
    assert.deepEqual(await mirror.listNames(), ["a", "b"]);
    assert.deepEqual(copied(), {});
  });

  it("RepositoryMirror says when there is no model at all, once", async () => {
    store.contents.clear();
    await mirror.refresh();
    await mirror.refresh();
    assert.deepEqual(news, ["There is no model in 's3://bucket/p': a model is a directory with files in it"]);
  });

  it("RepositoryMirror says where its directory cannot be made, and tries again", async () => {
    const address = parseCloudAddress("s3://bucket/p");
    assert.ok(!("expected" in address));
    const lost = new RepositoryMirror({
      address,
      directory: directory.in("none", "mirror"),
      openStore: () => Promise.resolve(store),
      transfers: new LoadSlots(2),
      onNews: () => undefined,
      stallMs: 60_000,
    });
    await assert.rejects(
      lost.refresh(),
      /^StatusError: cannot make the directory for the copy of 's3:\/\/bucket\/p': ENOENT/,
    );
    directory.make("none");
    assert.deepEqual(await lost.refresh(), []);
  });
});
