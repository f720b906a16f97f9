import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { describe, it } from "mocha";
import { findModel, findModels } from "../../../../../server/repository/scan/find-models.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("findModels", () => {
  const directory = useTestDirectory();
  const names = (): string[] => findModels(directory.in("repo")).map(({ name }) => name);

  it("finds every directory and passes over files and hidden directories", () => {
    for (const name of ["b", "a"]) directory.make("repo", name);
    directory.make("repo", ".git");
    directory.write("", "repo", "README.md");
    assert.deepEqual(names(), ["a", "b"]);
    const found = findModel(directory.in("repo"), "a");
    assert.equal(found?.directory, directory.in("repo", "a"));
    assert.equal(found.repository, directory.in("repo"));
    assert.equal(findModel(directory.in("repo"), "../repo"), null);
  });

  it("follows links to directories", () => {
    directory.make("elsewhere");
    directory.make("repo");
    directory.write("", "file");
    symlinkSync(directory.in("elsewhere"), directory.in("repo", "linked"), "junction");
    symlinkSync(directory.in("file"), directory.in("repo", "file"));
    symlinkSync(directory.in("nowhere"), directory.in("repo", "broken"));
    assert.deepEqual(names(), ["linked"]);
  });

  it("throws for a repository that cannot be read and names it", () => {
    assert.throws(names, { name: "StatusError", code: "INTERNAL", message: /'[^']*repo'/ });
    directory.write("", "repo");
    assert.throws(names, { code: "INTERNAL" });
  });
});
