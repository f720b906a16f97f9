import assert from "node:assert/strict";
import { rmSync, symlinkSync, utimesSync } from "node:fs";
import { describe, it } from "mocha";
import {
  findModelDirectories,
  listModelNames,
  type RepositoryScan,
  scanRepositories,
} from "../../../../server/repository/repository-scanner.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

describe("scanRepositories", () => {
  const directory = useTestDirectory();

  /** Scans the repositories of these names. */
  function scan(...repositories: string[]): Promise<RepositoryScan> {
    return scanRepositories(repositories.map((name) => directory.in(name)));
  }

  /** Newest modification time of model `m` in repository `a`. */
  async function modifiedMs(): Promise<number | undefined> {
    return (await scan("a")).models.get("m")?.modifiedMs;
  }

  /** Sets the modification time of `parts`, seconds since 1970. */
  function touch(seconds: number, ...parts: string[]): void {
    utimesSync(directory.in(...parts), seconds, seconds);
  }

  it("finds every directory and passes over files and hidden directories", async () => {
    for (const name of ["b", "a"]) directory.make("repo", name);
    directory.make("repo", ".git");
    directory.write("", "repo", "README.md");
    const { models, duplicates } = await scan("repo");
    assert.deepEqual([...models.keys()], ["a", "b"]);
    assert.equal(models.get("a")?.directory, directory.in("repo", "a"));
    assert.deepEqual(duplicates, []);
  });

  it("follows links to directories", async () => {
    directory.make("elsewhere");
    directory.make("repo");
    directory.write("", "file");
    symlinkSync(directory.in("elsewhere"), directory.in("repo", "linked"), "junction");
    symlinkSync(directory.in("file"), directory.in("repo", "file"));
    symlinkSync(directory.in("nowhere"), directory.in("repo", "broken"));
    assert.deepEqual([...(await scan("repo")).models.keys()], ["linked"]);
  });

  it("takes the models of all repositories, none of those that two have", async () => {
    for (const [repository, name] of [
      ["a", "x"],
      ["a", "m"],
      ["b", "m"],
      ["b", "y"],
      ["c", "m"],
    ] as const) {
      directory.make(repository, name);
    }
    const { models, duplicates } = await scan("a", "b", "c");
    assert.deepEqual([...models.keys()].sort(), ["x", "y"]);
    assert.deepEqual(duplicates, ["m"]);
  });

  it("throws for a repository that cannot be read and names it", async () => {
    await assert.rejects(scan("none"), { name: "StatusError", code: "INTERNAL", message: /'[^']*none'/ });
    directory.write("", "file");
    await assert.rejects(scan("file"), { code: "INTERNAL" });
  });

  it("takes the newest time of anything in a model, however deep", async () => {
    directory.write("", "a", "m", "1", "model.onnx");
    directory.write("", "a", "m", "config.json");
    for (const parts of [["1", "model.onnx"], ["config.json"], ["1"], []]) touch(1_000, "a", "m", ...parts);
    assert.equal(await modifiedMs(), 1_000_000);
    touch(3_000, "a", "m", "1", "model.onnx");
    assert.equal(await modifiedMs(), 3_000_000);
    touch(4_000, "a", "m", "config.json");
    assert.equal(await modifiedMs(), 4_000_000);
    touch(5_000, "a", "m");
    assert.equal(await modifiedMs(), 5_000_000);
  });

  it("notices that something was deleted", async () => {
    const file = directory.write("", "a", "m", "1", "data", "weights");
    for (const parts of [["1", "data", "weights"], ["1", "data"], ["1"], []])
      touch(1_000, "a", "m", ...parts);
    const before = await modifiedMs();
    rmSync(file);
    assert.notEqual(await modifiedMs(), before);
  });
});

describe("listModelNames", () => {
  const directory = useTestDirectory();

  it("lists each name once, and those that come twice", async () => {
    for (const parts of [
      ["a", "m"],
      ["a", "twin"],
      ["b", "twin"],
      ["b", "c"],
      ["b", ".hidden"],
    ]) {
      directory.make(...parts);
    }
    assert.deepEqual(await listModelNames([directory.in("a"), directory.in("b")]), {
      names: ["c", "m", "twin"],
      duplicates: ["twin"],
    });
    await assert.rejects(listModelNames([directory.in("none")]), { code: "INTERNAL" });
  });
});

describe("findModelDirectories", () => {
  const directory = useTestDirectory();

  it("finds the model in every repository that has it, and nothing outside of them", async () => {
    for (const repository of ["a", "b"]) directory.make(repository, "twin");
    directory.make("a", "m", "1");
    const repositories = [directory.in("a"), directory.in("b")];
    const find = async (name: string) =>
      (await findModelDirectories(repositories, name)).map((found) => found.directory);
    assert.deepEqual(await find("m"), [directory.in("a", "m")]);
    assert.deepEqual(await find("twin"), [directory.in("a", "twin"), directory.in("b", "twin")]);
    for (const name of ["none", "", ".", "..", "../b", "m/1"]) assert.deepEqual(await find(name), [], name);
    const [found] = await findModelDirectories(repositories, "m");
    assert.equal(found?.modifiedMs, (await scanRepositories(repositories)).models.get("m")?.modifiedMs);
  });
});
