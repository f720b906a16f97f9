import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import type { Status } from "../../../../server/core/status.ts";
import { Deferred, settle } from "../../../helpers/deferred.ts";
import { RepositoryBench } from "../../../helpers/repository-bench.ts";
import { type TestDirectory, useTestDirectory } from "../../../helpers/temporary-directory.ts";

/** A manager that has loaded nothing, as in control mode explicit, and short ways to ask it. */
class ExplicitBench extends RepositoryBench {
  static async start(directory: TestDirectory): Promise<ExplicitBench> {
    const bench = new ExplicitBench(directory);
    assert.equal(await bench.manager.loadAtStart([]), true);
    return bench;
  }

  load(
    modelName: string,
    configOverride: string | null = null,
    files: Readonly<Record<string, string>> = {},
  ): Promise<Status> {
    const contents = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const);
    return this.manager.load({ modelName, configOverride, files: new Map(contents) });
  }

  /** Directory of the last load. */
  get lastDirectory(): string {
    return this.loader.sources.at(-1)?.directory ?? "";
  }

  /** Config override of the last load. */
  get lastOverride(): string | null | undefined {
    return this.loader.sources.at(-1)?.configOverride;
  }
}

const pollFailed = /^failed to load '.*', failed to poll from model repository: /;

describe("ModelRepositoryManager on request", () => {
  const directory = useTestDirectory();

  async function refused(status: Promise<Status>, code: string, message: RegExp): Promise<void> {
    const refusal = await status;
    assert.equal(refusal?.code, code, refusal?.message);
    assert.match(refusal.message, message);
  }

  describe("load", () => {
    it("loads a model", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      assert.equal(await bench.load("m"), null);
      assert.deepEqual(bench.states, ["m/1 READY"]);
    });

    it("leaves a loaded model alone that has not changed", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      assert.equal(await bench.load("m"), null);
      assert.equal(bench.loader.loaded.length, 1);
    });

    it("reloads a model that has changed; the old copy serves until the new one does", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      const old = bench.found("m");
      bench.change("m");
      const gate = new Deferred<void>();
      bench.loader.gates.set("m", gate);
      const reloaded = bench.load("m");
      while (bench.loader.concurrent === 0) await settle();
      assert.equal(bench.found("m"), old);
      assert.ok(bench.manager.areAllReady());
      gate.resolve();
      assert.equal(await reloaded, null);
      assert.notEqual(bench.found("m"), old);
    });

    it("loads a model again whose instances have died, with the config that it had", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m", "{}");
      const { pool, instance } = bench.manual("m/1");
      pool.onCrash(instance, "died");
      await settle();
      assert.equal(await bench.load("m"), null);
      assert.equal(bench.loader.loaded.length, 2);
      assert.equal(bench.lastOverride, "{}");
    });

    it("fails for a model that no repository has, and does not remember it", async () => {
      const bench = await ExplicitBench.start(directory);
      await refused(bench.load("none"), "INTERNAL", pollFailed);
      assert.deepEqual(bench.states, []);
      assert.ok(bench.manager.areAllReady());
    });

    for (const name of ["", " \t\n\f\v", "..", " ..", "a/b", "a/"]) {
      it(`refuses the name ${JSON.stringify(name)}`, async () => {
        const bench = await ExplicitBench.start(directory);
        const text =
          name.trim() === "" ? /^Model name cannot be empty$/ : /must not contain path traversal characters$/;
        await refused(bench.load(name), "INVALID_ARG", text);
      });
    }

    for (const name of ["...", "..m", "m..1", ".", "..\\m"]) {
      it(`looks in vain for the name ${JSON.stringify(name)}`, async () => {
        const bench = await ExplicitBench.start(directory);
        bench.put("m", ["1"]);
        await refused(bench.load(name), "INTERNAL", pollFailed);
      });
    }

    it("fails for a name that two repositories have, and keeps what is loaded", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      bench.put("m", ["1"], "b");
      await refused(bench.load("m"), "INTERNAL", /^failed to load 'm'.*appears in two or more repositories$/);
      assert.deepEqual(bench.states, ["m/1 READY"]);
    });

    it("fails for a directory without versions", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", []);
      await refused(bench.load("m"), "INTERNAL", /at least one version must be available/);
      assert.deepEqual(bench.states, []);
    });

    it("says which version did not come up and why, and tries again when asked again", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1", "2"]);
      bench.loader.failures.set("m", "corrupt");
      await refused(
        bench.load("m"),
        "INVALID_ARG",
        /^load failed for model 'm': version 1 is at UNAVAILABLE state: corrupt; version 2 is at UNAVAILABLE state: corrupt$/,
      );
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: corrupt", "m/2 UNAVAILABLE: corrupt"]);
      assert.equal(bench.manager.areAllReady(), false);
      bench.loader.failures.clear();
      assert.equal(await bench.load("m"), null);
      assert.ok(bench.manager.areAllReady());
    });

    it("keeps the old versions when a reload fails", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      const old = bench.found("m");
      bench.loader.failures.set("m", "corrupt");
      bench.put("m", ["2"]);
      await refused(bench.load("m"), "INVALID_ARG", /^load failed for model 'm'/);
      assert.equal(bench.found("m"), old);
      assert.deepEqual(bench.states, ["m/1 READY", "m/2 UNAVAILABLE: corrupt"]);
    });

    it("answers when a repository cannot be read", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.delete("b");
      await refused(bench.load("m"), "INTERNAL", /failed to read model repository/);
    });
  });

  describe("load with a config", () => {
    it("always reloads, and a plain load keeps the config while the disk does not change", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      assert.equal(await bench.load("m", "{}"), null);
      assert.equal(bench.lastOverride, "{}");
      assert.equal(await bench.load("m", "{}"), null);
      assert.equal(bench.loader.loaded.length, 3);
      assert.equal(await bench.load("m"), null);
      assert.equal(bench.loader.loaded.length, 3);
      bench.change("m");
      assert.equal(await bench.load("m"), null);
      assert.equal(bench.loader.loaded.length, 4);
      assert.equal(bench.lastOverride, null);
    });

    it("is forgotten by an unload", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m", "{}");
      await bench.manager.unload("m");
      await bench.load("m");
      assert.equal(bench.lastOverride, null);
    });

    it("changes nothing when it is invalid", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      bench.put("n", ["1"]);
      await bench.load("m", "{}");
      const old = bench.found("m");
      await refused(
        bench.load("m", "invalid"),
        "INTERNAL",
        /failed to poll from model repository: not JSON$/,
      );
      await refused(bench.load("n", "invalid"), "INTERNAL", pollFailed);
      assert.equal(await bench.load("m"), null);
      assert.equal(bench.found("m"), old);
      assert.deepEqual(bench.states, ["m/1 READY"]);
      assert.ok(bench.manager.areAllReady());
    });
  });

  describe("load with files", () => {
    it("loads them in place of the model's directory", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      assert.equal(await bench.load("m", "{}", { "7/model.onnx": "seven", "labels.txt": "a" }), null);
      await settle();
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded", "m/7 READY"]);
      assert.equal(readFileSync(path.join(bench.lastDirectory, "7", "model.onnx"), "utf8"), "seven");
      assert.equal(readFileSync(path.join(bench.lastDirectory, "labels.txt"), "utf8"), "a");
      await bench.manager.unloadAll();
    });

    it("needs a config, and keeps what is loaded without one", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      await refused(
        bench.load("m", null, { "2/model.onnx": "" }),
        "INTERNAL",
        /needs the parameter 'config'/,
      );
      assert.deepEqual(bench.states, ["m/1 READY"]);
    });

    it("gives way to the repository with the next plain load", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      await bench.load("m", "{}", { "2/model.onnx": "" });
      const uploaded = bench.lastDirectory;
      assert.equal(await bench.load("m"), null);
      assert.equal(bench.lastDirectory, directory.in("a", "m"));
      await bench.manager.unload("other");
      while (existsSync(uploaded)) await settle();
      assert.deepEqual(bench.states, ["m/1 READY", "m/2 UNAVAILABLE: unloaded"]);
    });

    it("makes a model that no repository has; a plain load of it then fails and changes nothing", async () => {
      const bench = await ExplicitBench.start(directory);
      assert.equal(await bench.load("new", "{}", { "1/model.onnx": "" }), null);
      const model = bench.found("new");
      await refused(bench.load("new"), "INTERNAL", pollFailed);
      assert.equal(bench.found("new"), model);
      assert.deepEqual(await bench.manager.repositoryIndex(false), []);
      await bench.manager.unloadAll();
    });

    it("keeps the files until the last request of the model has ended", async () => {
      const bench = await ExplicitBench.start(directory);
      await bench.load("new", "{}", { "1/model.onnx": "" });
      const running = bench.begin("new/1");
      await bench.manager.unload("new");
      await settle();
      assert.ok(existsSync(bench.lastDirectory));
      running.finish();
      while (existsSync(bench.lastDirectory)) await settle();
    });

    it("removes the files when the load fails", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.loader.failures.set("new", "corrupt");
      await refused(bench.load("new", "{}", { "1/model.onnx": "" }), "INVALID_ARG", /^load failed/);
      assert.equal(existsSync(bench.lastDirectory), false);
      await refused(bench.load("other", "invalid", { "1/model.onnx": "" }), "INTERNAL", pollFailed);
      assert.equal(existsSync(bench.lastDirectory), false);
    });

    it("removes the files at the end, also when the exit timeout is over", async () => {
      const bench = await ExplicitBench.start(directory);
      await bench.load("new", "{}", { "1/model.onnx": "" });
      await bench.manager.unloadAll();
      assert.equal(existsSync(bench.lastDirectory), false);
      const second = await ExplicitBench.start(directory);
      await second.load("new", "{}", { "1/model.onnx": "" });
      await second.manager.terminateAll();
      assert.equal(existsSync(second.lastDirectory), false);
    });

    it("refuses paths that lead out, with nothing loaded", async () => {
      const bench = await ExplicitBench.start(directory);
      await refused(
        bench.load("new", "{}", { "1/model.onnx": "", "1/../../x": "" }),
        "INTERNAL",
        /^failed to load 'new', .*'1\/\.\.\/\.\.\/x' is not a path inside/,
      );
      assert.deepEqual(bench.loader.loaded, []);
      assert.deepEqual(bench.states, []);
    });
  });

  describe("unload", () => {
    it("returns when no new request is taken, and lets the accepted ones end", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      await bench.load("m");
      const running = bench.begin("m/1");
      await bench.manager.unload("m");
      assert.deepEqual(bench.states, ["m/1 UNLOADING"]);
      assert.equal((bench.manager.find("m", "1") as { code: string }).code, "UNAVAILABLE");
      running.finish();
      await settle();
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded"]);
      assert.ok(bench.manager.areAllReady());
    });

    for (const name of ["none", "", "..", "a/b"]) {
      it(`is content with ${JSON.stringify(name)}, which is not loaded`, async () => {
        const bench = await ExplicitBench.start(directory);
        await bench.manager.unload(name);
        assert.deepEqual(bench.states, []);
      });
    }

    it("forgets a model that did not come up", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      bench.loader.failures.set("m", "corrupt");
      await bench.load("m");
      await bench.manager.unload("m");
      assert.deepEqual(bench.states, []);
      assert.ok(bench.manager.areAllReady());
    });
  });

  describe("at the same time", () => {
    it("loads different models side by side", async () => {
      const bench = await ExplicitBench.start(directory);
      const gates = ["m", "n"].map((name) => {
        bench.put(name, ["1"]);
        const gate = new Deferred<void>();
        bench.loader.gates.set(name, gate);
        return gate;
      });
      const loads = [bench.load("m"), bench.load("n")];
      while (bench.loader.concurrent < 2) await settle();
      gates[1]!.resolve();
      assert.equal(await loads[1], null);
      assert.deepEqual(bench.states, ["m/1 LOADING", "n/1 READY"]);
      gates[0]!.resolve();
      assert.equal(await loads[0], null);
    });

    it("loads one model once at a time; a load that finds nothing changed is done at once", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      assert.deepEqual(await Promise.all([bench.load("m"), bench.load("m"), bench.load("m", "{}")]), [
        null,
        null,
        null,
      ]);
      assert.equal(bench.loader.loaded.length, 2);
      assert.equal(bench.loader.mostConcurrent, 1);
    });

    it("unloads after the load before it", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      const loaded = bench.load("m");
      await bench.manager.unload("m");
      assert.equal(await loaded, null);
      await settle();
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded"]);
    });

    it("goes on after a load that failed", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      bench.loader.failures.set("m", "corrupt");
      const [first, second] = [bench.load("m"), bench.load("m")];
      assert.equal((await first)?.code, "INVALID_ARG");
      assert.equal((await second)?.code, "INVALID_ARG");
      assert.equal(bench.loader.loaded.length, 2);
    });

    it("takes a storm of loads and unloads of one model, and ends as the last one asked", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      const outcomes = Array.from({ length: 40 }, (_, i) =>
        i % 3 === 2 ? bench.manager.unload("m").then(() => null) : bench.load("m", i % 3 === 1 ? "{}" : null),
      );
      assert.deepEqual(new Set(await Promise.all(outcomes)), new Set([null]));
      assert.equal(bench.found("m").version, "1");
      assert.equal(bench.loader.mostConcurrent, 1);
      await bench.manager.unloadAll();
      for (const { instance } of bench.loader.models.values()) assert.deepEqual(instance.ends, ["finalize"]);
    });

    it("waits at the end for a load under way, and refuses those behind it", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("m", ["1"]);
      const gate = new Deferred<void>();
      bench.loader.gates.set("m", gate);
      const running = bench.load("m");
      while (bench.loader.concurrent === 0) await settle();
      const waiting = bench.load("m", "{}");
      const done = bench.manager.unloadAll();
      gate.resolve();
      assert.equal(await running, null);
      await refused(waiting, "UNAVAILABLE", /shutting down/);
      await done;
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded"]);
    });
  });

  describe("repositoryIndex", () => {
    it("lists every directory with what is known of it", async () => {
      const bench = await ExplicitBench.start(directory);
      bench.put("bad", ["1"]);
      bench.put("m", ["1", "2"]);
      bench.put("n", ["1"]);
      for (const repository of ["a", "b"]) bench.put("twin", ["1"], repository);
      bench.loader.failures.set("bad", "corrupt");
      await Promise.all([bench.load("bad"), bench.load("m")]);
      const row = (name: string, version = "", state = "", reason = "") => ({
        name,
        namespace: "",
        version,
        state,
        reason,
      });
      const ready = [row("m", "1", "READY"), row("m", "2", "READY")];
      assert.deepEqual(await bench.manager.repositoryIndex(false), [
        row("bad", "1", "UNAVAILABLE", "corrupt"),
        ...ready,
        row("n"),
        row("twin", "", "UNAVAILABLE", "model appears in two or more repositories"),
      ]);
      assert.deepEqual(await bench.manager.repositoryIndex(true), ready);
    });
  });
});
