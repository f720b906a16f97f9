import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Model } from "../../../../server/model/model.ts";
import { ModelEntry, unloadedReason } from "../../../../server/repository/model-entry.ts";
import { ManualModel } from "../../../helpers/manual-model.ts";

function model(version: string): Model {
  return new ManualModel({ version }).model;
}

describe("ModelEntry", () => {
  it("knows the ready version with the highest number", () => {
    const entry = new ModelEntry("m", "");
    assert.equal(entry.latestReady, null);
    const [two, ten] = [model("2"), model("10")];
    entry.set("10", "READY", "", ten);
    entry.set("2", "READY", "", two);
    assert.equal(entry.latestReady, ten);
    assert.deepEqual(entry.readyModels(), [two, ten]);
    entry.set("10", "UNLOADING", "", ten);
    assert.equal(entry.latestReady, two);
    entry.set("2", "UNAVAILABLE", unloadedReason, null);
    assert.equal(entry.latestReady, null);
  });

  it("is not ready before it has a version", () => {
    assert.equal(new ModelEntry("m", "").isReady(), false);
  });

  it("does not keep the server from being ready while its first files are written", () => {
    const entry = new ModelEntry("m", "");
    entry.restlessReason = "it is being written";
    assert.ok(entry.isReady());
    entry.failureReason = "and what was there is wrong";
    assert.ok(!entry.isReady());
  });

  it("is ready when every version is, or was unloaded on purpose", () => {
    const entry = new ModelEntry("m", "");
    entry.set("1", "READY", "", model("1"));
    assert.ok(entry.isReady());
    entry.set("2", "UNAVAILABLE", unloadedReason, null);
    assert.ok(entry.isReady());
    entry.set("3", "LOADING", "", null);
    assert.ok(!entry.isReady());
    entry.set("3", "UNAVAILABLE", "corrupt", null);
    assert.ok(!entry.isReady());
  });

  it("forgets the versions that failed and no others", () => {
    const entry = new ModelEntry("m", "");
    entry.set("1", "READY", "", model("1"));
    entry.set("2", "UNAVAILABLE", unloadedReason, null);
    entry.set("3", "UNAVAILABLE", "corrupt", null);
    entry.set("4", "UNLOADING", "", model("4"));
    entry.forgetFailures();
    assert.deepEqual([...entry.versions.keys()], ["1", "2", "4"]);
  });
});
