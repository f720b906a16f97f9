import assert from "node:assert/strict";
import { rmSync, symlinkSync, utimesSync } from "node:fs";
import { describe, it } from "mocha";
import {
  fingerprintModel,
  type ModelFingerprint,
} from "../../../../../server/repository/scan/model-fingerprint.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("fingerprintModel", () => {
  const directory = useTestDirectory();

  function look(): ModelFingerprint {
    return fingerprintModel(directory.in("m"));
  }

  /** Which parts of the fingerprint an act changes. */
  function changedBy(act: () => void): string[] {
    const before = look();
    act();
    const after = look();
    const versions = new Set([...Object.keys(before.versions), ...Object.keys(after.versions)]);
    return [
      ...(before.whole === after.whole ? [] : ["whole"]),
      ...(before.others === after.others ? [] : ["others"]),
      ...[...versions].filter((version) => before.versions[version] !== after.versions[version]),
    ];
  }

  /** Sets the modification time of `parts`, seconds since 1970. */
  function touch(seconds: number, ...parts: string[]): void {
    utimesSync(directory.in("m", ...parts), seconds, seconds);
  }

  function fill(): void {
    directory.write("{}", "m", "config.json");
    directory.write("a", "m", "labels.txt");
    for (const version of ["1", "2"]) directory.write("weights", "m", version, "data", "model");
  }

  it("is the same as long as nothing changes", () => {
    fill();
    assert.deepEqual(
      changedBy(() => undefined),
      [],
    );
  });

  it("tells which version a file belongs to, however deep", () => {
    fill();
    assert.deepEqual(
      changedBy(() => touch(1_000, "2", "data", "model")),
      ["whole", "2"],
    );
    assert.deepEqual(
      changedBy(() => directory.write("longer weights", "m", "1", "data", "model")),
      ["whole", "1"],
    );
    assert.deepEqual(
      changedBy(() => directory.write("", "m", "3", "model")),
      ["whole", "3"],
    );
  });

  it("tells the configuration from other files", () => {
    fill();
    assert.deepEqual(
      changedBy(() => directory.write("{ }", "m", "config.json")),
      ["whole"],
    );
    assert.deepEqual(
      changedBy(() => directory.write("{}", "m", "configs", "alt.json")),
      ["whole"],
    );
    assert.deepEqual(
      changedBy(() => directory.write("abc", "m", "labels.txt")),
      ["whole", "others"],
    );
  });

  it("notices that something was deleted, and a file with an old time in the place of another", () => {
    fill();
    assert.deepEqual(
      changedBy(() => rmSync(directory.in("m", "1", "data", "model"))),
      ["whole", "1"],
    );
    assert.deepEqual(
      changedBy(() => rmSync(directory.in("m", "2"), { recursive: true })),
      ["whole", "2"],
    );
    assert.deepEqual(
      changedBy(() => rmSync(directory.in("m", "labels.txt"))),
      ["whole", "others"],
    );
    directory.write("x", "m", "1", "model");
    touch(2_000_000_000, "config.json");
    assert.deepEqual(
      changedBy(() => touch(1_000_000_000, "1", "model")),
      ["whole", "1"],
    );
  });

  it("looks into linked version directories, and follows no link back to where it is", () => {
    directory.write("weights", "elsewhere", "model");
    directory.make("m");
    symlinkSync(directory.in("elsewhere"), directory.in("m", "1"), "junction");
    symlinkSync(directory.in("m"), directory.in("m", "loop"), "junction");
    assert.deepEqual(
      changedBy(() => directory.write("other weights", "elsewhere", "model")),
      ["whole", "1"],
    );
  });

  it("sees a broken link as unreadable until it leads somewhere", () => {
    directory.make("m");
    symlinkSync(directory.in("later"), directory.in("m", "1"), "junction");
    assert.deepEqual(
      changedBy(() => directory.write("weights", "later", "model")),
      ["whole", "1"],
    );
  });

  it("knows the newest time of anything in the directory, 0 when there is none", () => {
    fill();
    touch(2_000_000_000, "2", "data");
    assert.equal(look().modifiedMs, 2_000_000_000_000);
    assert.equal(look().newestPath, "2/data");
    touch(2_000_000_000, "2");
    assert.equal(look().newestPath, "2/data", "a file tells more than the directory that it is in");
    const none = fingerprintModel(directory.in("none"));
    assert.deepEqual([none.modifiedMs, none.newestPath], [0, ""]);
  });
});
