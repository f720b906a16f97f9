import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import type { Failure } from "../../../../../server/core/status.ts";
import type { MirrorNames, MirrorOutcome } from "../../../../../server/repository/cloud/mirror-protocol.ts";
import { MirroredScanner, type Mirrors } from "../../../../../server/repository/cloud/mirrored-scanner.ts";
import { StepReader } from "../../../../../server/repository/ensemble-dependencies.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

const address = "s3://bucket/models/";
const refused: Failure = { code: "INTERNAL", message: "not for you" };

describe("MirroredScanner", () => {
  const directory = useTestDirectory();
  let scanner: MirroredScanner;
  /** What the repository in the cloud has, and how to copy it. */
  let cloud: Map<string, () => void>;
  let unreadable: Failure | null;
  let unreadableModels: Set<string>;
  let refreshed: (readonly string[] | null)[];

  beforeEach(() => {
    cloud = new Map();
    unreadable = null;
    unreadableModels = new Set();
    refreshed = [];
    const copies = directory.make("copies");
    const mirrors: Mirrors = {
      directories: new Map([[address, copies]]),
      refresh: (names): Promise<MirrorOutcome> => {
        refreshed.push(names);
        if (unreadable !== null) {
          return Promise.resolve({
            unreadable: [{ repository: address, problem: unreadable }],
            unreadableModels: [],
          });
        }
        for (const [name, copy] of cloud) if (names?.includes(name) ?? true) copy();
        const failed = [...unreadableModels].filter((name) => names?.includes(name) ?? true);
        return Promise.resolve({
          unreadable: [],
          unreadableModels: failed.map((name) => ({ name, repository: address, problem: refused })),
        });
      },
      list: (): Promise<readonly MirrorNames[]> =>
        Promise.resolve([{ address, names: unreadable ?? [...cloud.keys(), ...unreadableModels].sort() }]),
    };
    directory.write("", "local", "here", "1", "model.onnx");
    scanner = new MirroredScanner([address, directory.in("local"), address], mirrors, new StepReader(null));
  });

  function add(name: string, steps: readonly string[] = []): void {
    const step = steps.map((model_name) => ({ model_name, model_version: -1 }));
    const config = steps.length === 0 ? {} : { platform: "ensemble", ensemble_scheduling: { step } };
    cloud.set(name, () => {
      directory.make("copies", name, "1");
      directory.write(JSON.stringify(config), "copies", name, "config.json");
    });
  }

  async function namesOf(wanted: readonly string[] | null): Promise<string[]> {
    return (await scanner.scan(wanted)).models.map(({ name }) => name);
  }

  it("MirroredScanner calls a copied repository by its address", async () => {
    add("there");
    const { models } = await scanner.scan(null);
    assert.deepEqual(
      models.map(({ name, repository, directory: at }) => [name, repository, at]),
      [
        ["there", address, directory.in("copies", "there")],
        ["here", directory.in("local"), directory.in("local", "here")],
      ],
    );
    const [found] = await scanner.find("there");
    assert.ok(found !== undefined);
    assert.equal(found.repository, address);
    assert.equal((await scanner.look(found))?.repository, address);
    directory.remove("copies", "there");
    assert.equal(await scanner.look(found), null);
  });

  it("MirroredScanner copies every model, or one that is looked for", async () => {
    add("a");
    add("b");
    await scanner.find("b");
    await scanner.find("here");
    assert.deepEqual(refreshed, [["b"], ["here"]]);
    await scanner.scan(null);
    assert.deepEqual(refreshed.at(-1), null);
  });

  it("MirroredScanner copies only what is wanted, with all that ensembles need", async () => {
    add("outer", ["inner", "b"]);
    add("inner", ["a", "outer", "nowhere"]);
    for (const name of ["a", "b", "c"]) add(name);
    assert.deepEqual(await namesOf(["outer", "missing", "here"]), ["a", "b", "inner", "outer", "here"]);
    assert.deepEqual(refreshed, [["outer"], ["inner", "b"], ["a"]]);
  });

  it("MirroredScanner copies nothing when nothing is wanted, and asks whether it could", async () => {
    add("a");
    assert.deepEqual(await namesOf([]), ["here"]);
    assert.deepEqual(refreshed, []);
    unreadable = refused;
    const { unreadable: found } = await scanner.scan([]);
    assert.deepEqual(found, [{ repository: address, problem: refused }]);
  });

  it("MirroredScanner keeps what was copied of a repository that cannot be read any more", async () => {
    add("a");
    await scanner.scan(null);
    unreadable = refused;
    const scan = await scanner.scan(null);
    assert.deepEqual(
      scan.models.map(({ name }) => name),
      ["a", "here"],
    );
    assert.deepEqual(scan.unreadable, [{ repository: address, problem: refused }]);
    await assert.rejects(scanner.find("a"), { code: "INTERNAL", message: "not for you" });
    await assert.rejects(scanner.names(), { message: "not for you" });
  });

  it("MirroredScanner tells of a repository once, whether its copy is there or not", async () => {
    unreadable = refused;
    directory.remove("copies");
    assert.deepEqual((await scanner.scan(null)).unreadable, [{ repository: address, problem: refused }]);
  });

  it("MirroredScanner tells of models that cannot be copied", async () => {
    add("a");
    unreadableModels.add("bad");
    const expected = [{ name: "bad", repository: address, problem: refused }];
    assert.deepEqual((await scanner.scan(null)).unreadableModels, expected);
    assert.deepEqual((await scanner.scan(["a"])).unreadableModels, []);
    assert.deepEqual((await scanner.scan(["bad"])).unreadableModels, expected);
    await assert.rejects(scanner.find("bad"), { message: "not for you" });
  });

  it("MirroredScanner lists the names of all models, by repository", async () => {
    for (const name of ["a", "b"]) add(name);
    assert.deepEqual(await scanner.names(), [
      { name: "a", repository: address },
      { name: "b", repository: address },
      { name: "here", repository: directory.in("local") },
    ]);
  });
});
