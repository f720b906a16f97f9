import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { findCycles, runInOrder, StepReader } from "../../../../server/repository/ensemble-dependencies.ts";
import type { FoundModel } from "../../../../server/repository/scan/find-models.ts";
import { fingerprintModel } from "../../../../server/repository/scan/model-fingerprint.ts";
import { Deferred, settle } from "../../../helpers/deferred.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

const dependencies = (needs: Record<string, string[]>): Map<string, string[]> =>
  new Map(Object.entries(needs));

function foundModel(repository: string, name: string, directory: string): FoundModel {
  return { name, repository, directory, fingerprint: fingerprintModel(directory) };
}

describe("StepReader", () => {
  const directory = useTestDirectory();

  function names(config: string, override: string | null = null): readonly string[] {
    directory.make("m");
    directory.write(config, "m", "config.json");
    return new StepReader(null).namesOf(foundModel("a", "m", directory.in("m")), override);
  }

  const ensemble = (...models: string[]): string =>
    JSON.stringify({ ensemble_scheduling: { step: models.map((model_name) => ({ model_name })) } });

  it("reads the models of an ensemble, each once", () => {
    assert.deepEqual(names(ensemble("a", "b", "a")), ["a", "b"]);
  });

  it("reads the override in the place of the file", () => {
    assert.deepEqual(names(ensemble("a"), ensemble("c")), ["c"]);
  });

  it("reads the named config where there is one", () => {
    directory.write(ensemble("c"), "m", "configs", "alt.json");
    directory.write(ensemble("a"), "m", "config.json");
    const found = foundModel("a", "m", directory.in("m"));
    assert.deepEqual(new StepReader("alt").namesOf(found, null), ["c"]);
    assert.deepEqual(new StepReader("other").namesOf(found, null), ["a"]);
  });

  it("takes the model of the own repository before that of another", () => {
    for (const repository of ["a", "b"]) {
      directory.write(ensemble("m"), repository, "e", "config.json");
      directory.make(repository, "m");
    }
    directory.write(ensemble("m"), "c", "e", "config.json");
    const [ea, ma, eb, mb, ec] = ["a/e", "a/m", "b/e", "b/m", "c/e"].map((name) => {
      const [repository, model] = name.split("/") as [string, string];
      return foundModel(repository, model, directory.in(repository, model));
    }) as [FoundModel, FoundModel, FoundModel, FoundModel, FoundModel];
    const steps = new StepReader(null);
    const needs = steps.dependencies([ea, ma, eb, mb, ec]);
    assert.deepEqual(needs.get(ea), [ma]);
    assert.deepEqual(needs.get(eb), [mb]);
    assert.deepEqual(needs.get(ec), [ma, mb]);
    assert.deepEqual(steps.withSteps([eb], [ea, ma, eb, mb, ec]), [eb, mb]);
  });

  it("finds none in other models, nor in a config that is broken", () => {
    assert.deepEqual(names('{"backend":"onnxruntime"}'), []);
    assert.deepEqual(names("{"), []);
  });
});

describe("findCycles", () => {
  it("tells the way back for each ensemble of a cycle, and for no other", () => {
    const cycles = findCycles(dependencies({ a: ["b"], b: ["c", "x"], c: ["a"], d: ["a"], x: [] }));
    assert.deepEqual(
      [...cycles],
      [
        ["a", ["a", "b", "c", "a"]],
        ["b", ["b", "c", "a", "b"]],
        ["c", ["c", "a", "b", "c"]],
      ],
    );
  });

  it("finds an ensemble that needs itself", () => {
    assert.deepEqual([...findCycles(dependencies({ a: ["a"] }))], [["a", ["a", "a"]]]);
  });
});

describe("runInOrder", () => {
  it("runs models side by side, and an ensemble after all that it needs", async () => {
    const begun: string[] = [];
    const gates = new Map(["a", "b", "e", "f"].map((name) => [name, new Deferred<void>()]));
    const done = runInOrder(dependencies({ f: ["e"], e: ["a", "b", "elsewhere"], a: [], b: [] }), (name) => {
      begun.push(name);
      return gates.get(name)?.promise ?? Promise.resolve();
    });
    await settle();
    assert.deepEqual(begun, ["a", "b"]);
    gates.get("a")?.resolve();
    await settle();
    assert.deepEqual(begun, ["a", "b"]);
    gates.get("b")?.resolve();
    await settle();
    assert.deepEqual(begun, ["a", "b", "e"]);
    gates.get("e")?.resolve();
    await settle();
    assert.deepEqual(begun, ["a", "b", "e", "f"]);
    gates.get("f")?.resolve();
    await done;
  });
});
