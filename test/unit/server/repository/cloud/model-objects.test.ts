import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type ModelObjects, sortByModel } from "../../../../../server/repository/cloud/model-objects.ts";
import type { StoredObject } from "../../../../../server/repository/cloud/object-store.ts";

function objects(...keys: readonly string[]): StoredObject[] {
  return keys.map((key) => ({ key, sizeBytes: 1, revision: "r", isDirectory: key.endsWith("/") }));
}

function only(models: ReadonlyMap<string, ModelObjects>): ModelObjects {
  const [model] = models.values();
  assert.ok(model !== undefined && models.size === 1);
  return model;
}

describe("sortByModel", () => {
  it("sortByModel sorts objects by the first directory below the prefix", () => {
    const listed = objects(
      "p/a/config.json",
      "p/a/1/model.onnx",
      "p/b/1/x/y",
      "p/README.md",
      "p/.git/config",
    );
    const models = sortByModel(listed, "p/");
    assert.deepEqual([...models.keys()], ["a", "b"]);
    assert.deepEqual([...(models.get("a")?.files.keys() ?? [])], ["config.json", "1/model.onnx"]);
    assert.deepEqual(models.get("a")?.directories, ["1"]);
    assert.deepEqual(models.get("b")?.directories, ["1", "1/x"]);
    assert.equal(models.get("a")?.problem, null);
  });

  it("sortByModel takes objects that end with a slash for directories", () => {
    const model = only(sortByModel(objects("p/", "p/a/", "p/a/1/", "p/a/2/"), "p/"));
    assert.deepEqual([model.name, model.directories, model.files.size], ["a", ["1", "2"], 0]);
  });

  it("sortByModel takes for directories what the storage says are some", () => {
    const marked = objects("a/1/model.onnx", "a", "a/1", "b").map((object) =>
      object.key.includes(".") ? object : { ...object, isDirectory: true },
    );
    const models = sortByModel(marked, "");
    assert.deepEqual([...models.keys()], ["a", "b"]);
    assert.deepEqual(
      [models.get("a")?.directories, [...(models.get("a")?.files.keys() ?? [])]],
      [["1"], ["1/model.onnx"]],
    );
  });

  it("sortByModel takes an empty object for a directory when others are below it, and no other", () => {
    const [big, inner] = objects("a/1", "a/1/model.onnx");
    assert.ok(big !== undefined && inner !== undefined);
    const model = only(sortByModel([{ ...big, sizeBytes: 0 }, inner], ""));
    assert.deepEqual([[...model.files.keys()], model.problem], [["1/model.onnx"], null]);
    assert.match(
      only(sortByModel([big, inner], "")).problem ?? "",
      /'a\/1' is a file and a directory at once/,
    );
  });

  it("sortByModel finds keys that lead out of the directory, or cannot be files", () => {
    for (const key of ["a/../b", "a/1/../../../etc/passwd", "a/./x", "a//x", "a/1\\x", "a/x\0y", "a/.."]) {
      assert.match(
        only(sortByModel(objects(key), "")).problem ?? "",
        /cannot be a file of a directory$/,
        key,
      );
    }
    assert.match(
      only(sortByModel(objects("a\\b/1/x"), "")).problem ?? "",
      /cannot be the name of a directory$/,
    );
  });

  it("sortByModel leaves out what has no name, or a hidden one", () => {
    assert.equal(sortByModel(objects("/x", "../x", "./x", ".hidden/x", "x"), "").size, 0);
  });
});
