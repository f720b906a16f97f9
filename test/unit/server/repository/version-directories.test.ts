import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { describe, it } from "mocha";
import { listVersionDirectories } from "../../../../server/repository/version-directories.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

describe("listVersionDirectories", () => {
  const directory = useTestDirectory();

  it("lists numbers in ascending order, 0 included, as numbers and not as texts", async () => {
    for (const name of ["10", "9", "0", "123"]) directory.make(name);
    assert.deepEqual(await listVersionDirectories(directory.in()), {
      versions: [0, 9, 10, 123],
      ignored: [],
    });
  });

  it("passes over files and the reserved directories without a word", async () => {
    for (const name of ["warmup", "initial_state", "configs"]) directory.make(name);
    directory.write("{}", "config.json");
    directory.write("", "5");
    assert.deepEqual(await listVersionDirectories(directory.in()), { versions: [], ignored: [] });
  });

  it("ignores leading zeros and what is no number, and says why", async () => {
    for (const name of ["001", "00", "3abc", "-1", "1.5", "v2", "99999999999999999999"]) directory.make(name);
    const { versions, ignored } = await listVersionDirectories(directory.in());
    assert.deepEqual(versions, []);
    assert.deepEqual(
      ignored.filter((sentence) => sentence.endsWith("it has leading zeros")).length,
      2,
      ignored.join("\n"),
    );
    assert.equal(
      ignored.filter((sentence) => sentence.endsWith("fails to convert to integral number")).length,
      5,
    );
    assert.ok(ignored.every((sentence) => sentence.includes(directory.in())));
  });

  it("follows links to directories only", async () => {
    directory.make("elsewhere", "content");
    directory.write("", "file");
    symlinkSync(directory.in("elsewhere"), directory.in("1"), "junction");
    symlinkSync(directory.in("file"), directory.in("2"));
    symlinkSync(directory.in("nowhere"), directory.in("3"));
    const { versions, ignored } = await listVersionDirectories(directory.in());
    assert.deepEqual(versions, [1]);
    const dangling = ignored.filter((sentence) =>
      sentence.endsWith("it is a link that leads to no directory"),
    );
    assert.deepEqual(
      dangling.map((sentence) => sentence.slice(0, "Ignoring version directory '2'".length)),
      ["Ignoring version directory '2'", "Ignoring version directory '3'"],
    );
  });

  it("throws NOT_FOUND for a directory that is gone and INTERNAL for what is none", async () => {
    await assert.rejects(listVersionDirectories(directory.in("gone")), {
      name: "StatusError",
      code: "NOT_FOUND",
    });
    const file = directory.write("", "file");
    await assert.rejects(listVersionDirectories(file), { name: "StatusError", code: "INTERNAL" });
  });
});
