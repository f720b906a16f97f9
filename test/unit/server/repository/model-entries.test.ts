import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Failure } from "../../../../server/core/status.ts";
import { Model } from "../../../../server/model/model.ts";
import { ModelEntries, modelKey } from "../../../../server/repository/model-entries.ts";
import { type ModelEntry, unloadedReason } from "../../../../server/repository/model-entry.ts";
import { ManualModel } from "../../../helpers/manual-model.ts";

function ready(entry: ModelEntry, ...versions: string[]): void {
  const fingerprint = { whole: "", versions: {}, others: "", modifiedMs: 0, newestPath: "" };
  const found = { name: entry.name, repository: "/a", directory: "/a/m", fingerprint };
  entry.plan = { found, configOverride: null, overrideDirectory: null };
  for (const version of versions) entry.set(version, "READY", "", new ManualModel({ version }).model);
}

/** An entry as it is after its directory has gone. */
function forget(entry: ModelEntry): void {
  entry.plan = null;
  for (const version of entry.versions.keys()) entry.set(version, "UNAVAILABLE", unloadedReason, null);
}

function failureOf(found: object): Failure {
  assert.ok("message" in found, "a failure");
  return found as Failure;
}

describe("modelKey", () => {
  it("is the name alone without namespaces, and tells repositories apart with them", () => {
    assert.equal(modelKey({ name: "m", namespace: "" }), "m");
    assert.notEqual(modelKey({ name: "m", namespace: "/a" }), modelKey({ name: "m", namespace: "/b" }));
    assert.notEqual(modelKey({ name: "b/m", namespace: "/a" }), modelKey({ name: "m", namespace: "/a/b" }));
  });
});

describe("ModelEntries", () => {
  it("makes an entry once, and forgets it", () => {
    const entries = new ModelEntries(false);
    const identity = { name: "m", namespace: "" };
    assert.equal(entries.get(identity), undefined);
    const entry = entries.obtain(identity);
    assert.equal(entries.obtain(identity), entry);
    assert.equal(entries.get(identity), entry);
    assert.deepEqual(entries.named("m"), [entry]);
    entries.delete(entry);
    assert.deepEqual([entries.all(), entries.named("m")], [[], []]);
    assert.notEqual(entries.obtain(identity), entry);
  });

  it("sorts by name, then by namespace", () => {
    const entries = new ModelEntries(true);
    for (const [name, namespace] of [
      ["b", "/2"],
      ["a", "/9"],
      ["b", "/1"],
    ] as const) {
      entries.obtain({ name, namespace });
    }
    assert.deepEqual(
      entries.sorted().map(({ name, namespace }) => name + namespace),
      ["a/9", "b/1", "b/2"],
    );
  });

  describe("resolve", () => {
    it("does not know a name: NOT_FOUND, with namespaces INVALID_ARG", () => {
      const message = "Request for unknown model: 'm' is not found";
      assert.deepEqual(
        { ...failureOf(new ModelEntries(false).resolve("m", null)) },
        { code: "NOT_FOUND", message },
      );
      assert.deepEqual(
        { ...failureOf(new ModelEntries(true).resolve("m", null)) },
        { code: "INVALID_ARG", message },
      );
    });

    it("finds a name that one model has, wherever it is asked from", () => {
      const entries = new ModelEntries(true);
      const entry = entries.obtain({ name: "m", namespace: "/a" });
      for (const namespace of [null, "/a", "/b"]) assert.equal(entries.resolve("m", namespace), entry);
    });

    it("takes the model of the own repository, else names the repositories that have it (row 108)", () => {
      const entries = new ModelEntries(true);
      const [a, b] = ["/a", "/b"].map((namespace) => entries.obtain({ name: "m", namespace }));
      assert.equal(entries.resolve("m", "/a"), a);
      assert.equal(entries.resolve("m", "/b"), b);
      for (const namespace of [null, "/c"]) {
        const { code, message } = failureOf(entries.resolve("m", namespace));
        assert.equal(code, "INVALID_ARG");
        assert.match(message, /cannot resolve the ambiguity: it is in '\/a', '\/b'$/);
      }
    });

    it("does not count a model that is gone, unless nothing else has the name", () => {
      const entries = new ModelEntries(true);
      const [a, b] = ["/a", "/b"].map((namespace) => entries.obtain({ name: "m", namespace })) as [
        ModelEntry,
        ModelEntry,
      ];
      ready(a, "1");
      ready(b, "1");
      forget(a);
      assert.equal(entries.resolve("m", null), b);
      entries.delete(b);
      assert.equal(entries.resolve("m", null), a);
    });
  });

  describe("find", () => {
    const entries = new ModelEntries(false);
    const entry = entries.obtain({ name: "m", namespace: "" });
    ready(entry, "2", "10");
    entry.set("3", "LOADING", "", null);
    entry.set("4", "UNAVAILABLE", "corrupt", null);

    it("gives the version that is asked for, however it is spelt, or the highest ready one", () => {
      for (const [asked, version] of [
        ["", "10"],
        ["2", "2"],
        ["002", "2"],
      ] as const) {
        const found = entries.find("m", asked, null);
        assert.ok(found instanceof Model);
        assert.equal(found.version, version);
      }
    });

    it("refuses a version that there is not, one that is not ready, and a model without any (rows 88, 89)", () => {
      for (const [version, code, message] of [
        ["99", "NOT_FOUND", "Request for unknown model: 'm' version 99 is not found"],
        ["3", "UNAVAILABLE", "Request for unknown model: 'm' version 3 is not at ready state"],
        ["4", "UNAVAILABLE", "Request for unknown model: 'm' version 4 is not at ready state (corrupt)"],
      ] as const) {
        assert.deepEqual({ ...failureOf(entries.find("m", version, null)) }, { code, message });
      }
      entries.obtain({ name: "hollow", namespace: "" });
      const { code, message } = failureOf(entries.find("hollow", "", null));
      assert.deepEqual(
        [code, message],
        ["NOT_FOUND", "Request for unknown model: 'hollow' has no available versions"],
      );
    });
  });
});
