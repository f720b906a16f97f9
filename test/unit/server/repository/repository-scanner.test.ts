import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { RepositoryScanner } from "../../../../server/repository/repository-scanner.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";
import { waitUntil } from "../../../helpers/wait-until.ts";

describe("RepositoryScanner", () => {
  const directory = useTestDirectory();
  const scanners: RepositoryScanner[] = [];

  afterEach(() => {
    for (const scanner of scanners.splice(0)) scanner.close();
  });

  /** A scanner of these repositories, which looks by itself or in its thread. */
  function open(inThread: boolean, ...repositories: string[]): RepositoryScanner {
    const scanner = new RepositoryScanner(repositories.map((name) => directory.in(name)));
    if (inThread) scanner.useThread(null);
    scanners.push(scanner);
    return scanner;
  }

  /** `repository/model` of all that a scan finds. */
  async function namesOf(scanner: RepositoryScanner): Promise<string[]> {
    const { models } = await scanner.scan();
    return models
      .map(({ repository, name }) => `${repository.slice(directory.in("x").length - 1)}/${name}`)
      .sort();
  }

  for (const inThread of [false, true]) {
    const where = inThread ? "in its thread" : "by itself";

    it(`finds the models of all repositories, ${where}`, async () => {
      for (const parts of [
        ["a", "x"],
        ["a", "m"],
        ["b", "m"],
      ])
        directory.make(...parts);
      const scanner = open(inThread, "a", "b", "a");
      assert.deepEqual(await namesOf(scanner), ["a/m", "a/x", "b/m"]);
      const found = await scanner.find("m");
      assert.deepEqual(
        found.map(({ repository }) => repository),
        [directory.in("a"), directory.in("b")],
      );
      for (const name of ["none", "", ".", "..", "../b", "m/1"])
        assert.deepEqual(await scanner.find(name), []);
    });

    it(`sees what has changed since the last scan, ${where}`, async () => {
      for (const name of ["stays", "changes", "goes"]) directory.write("1", "a", name, "1", "model");
      const scanner = open(inThread, "a");
      const before = new Map((await scanner.scan()).models.map((model) => [model.name, model]));
      directory.write("22", "a", "changes", "1", "model");
      directory.make("a", "comes");
      directory.remove("a", "goes");
      const after = new Map((await scanner.scan()).models.map((model) => [model.name, model]));
      assert.deepEqual([...after.keys()].sort(), ["changes", "comes", "stays"]);
      const [old, now] = [before, after].map((models) => models.get("changes"));
      assert.notEqual(now?.fingerprint.whole, old?.fingerprint.whole);
      assert.deepEqual(after.get("stays"), before.get("stays"));
      assert.deepEqual(await scanner.look(now!), now);
      assert.equal(await scanner.look(before.get("goes")!), null);
    });

    it(`tells which repository cannot be read, and goes on with the others, ${where}`, async () => {
      directory.make("a", "m");
      directory.write("", "file");
      const scanner = open(inThread, "none", "file", "a");
      const { models, unreadable } = await scanner.scan();
      assert.deepEqual(
        models.map(({ name }) => name),
        ["m"],
      );
      assert.deepEqual(
        unreadable.map(({ repository }) => repository),
        [directory.in("none"), directory.in("file")],
      );
      assert.match(unreadable[0]?.problem.message ?? "", /failed to read model repository '.*none'/);
      await assert.rejects(async () => scanner.find("m"), { name: "StatusError", code: "INTERNAL" });
    });
  }

  it("keeps what it knows of a repository that cannot be read any more", async () => {
    directory.make("a", "m");
    directory.make("b", "n");
    const scanner = open(true, "a", "b");
    assert.deepEqual(await namesOf(scanner), ["a/m", "b/n"]);
    directory.remove("a");
    assert.deepEqual(await namesOf(scanner), ["a/m", "b/n"]);
    directory.make("a", "m2");
    assert.deepEqual(await namesOf(scanner), ["a/m2", "b/n"]);
  });

  it("tells of changes where the file system does", async () => {
    directory.make("a", "m");
    const scanner = open(false, "a");
    let changes = 0;
    scanner.useThread(() => changes++);
    // Watching begins some time after the thread has started.
    let count = 0;
    await waitUntil("a change is told of", () => {
      directory.write(String(count), "a", "m", `file${count++}`);
      return changes > 0;
    });
  });

  it("refuses to look once it is closed", async () => {
    directory.make("a", "m");
    const scanner = open(true, "a");
    const late = scanner.scan();
    scanner.close();
    await assert.rejects(late, { name: "StatusError" });
    await assert.rejects(scanner.scan(), { code: "UNAVAILABLE" });
  });
});
