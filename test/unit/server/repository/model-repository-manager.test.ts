import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import { describe, it } from "mocha";
import type { RepositoryScan, UnreadableModel } from "../../../../server/repository/model-scanner.ts";
import { RepositoryScanner } from "../../../../server/repository/repository-scanner.ts";
import { Deferred, settle } from "../../../helpers/deferred.ts";
import { RepositoryBench as Bench } from "../../../helpers/repository-bench.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

describe("ModelRepositoryManager", () => {
  const directory = useTestDirectory();

  describe("loadAtStart", () => {
    it("loads the models of all repositories", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1", "2"]);
      bench.put("n", ["1"], "b");
      assert.equal(await bench.manager.loadAtStart(null), true);
      assert.deepEqual(bench.states, ["m/1 READY", "m/2 READY", "n/1 READY"]);
      assert.deepEqual(bench.events.toSorted(), ["m/1 ready", "m/2 ready", "n/1 ready"]);
      assert.ok(bench.manager.areAllReady());
    });

    it("is complete without models", async () => {
      const bench = new Bench(directory);
      assert.equal(await bench.manager.loadAtStart(null), true);
      assert.deepEqual(bench.states, []);
    });

    it("goes on with the others when a model fails, and says why it is not there", async () => {
      const bench = new Bench(directory);
      bench.put("bad", ["1"]);
      bench.put("good", ["1"]);
      bench.put("versionless", []);
      bench.loader.failures.set("bad", "corrupt");
      assert.equal(await bench.manager.loadAtStart(null), false);
      assert.deepEqual(bench.states.slice(0, 2), ["bad/1 UNAVAILABLE: corrupt", "good/1 READY"]);
      assert.match(
        bench.states[2] ?? "",
        /^versionless\/ UNAVAILABLE: at least one version must be available/,
      );
      assert.ok(!bench.manager.areAllReady());
      assert.match(bench.log.ofSeverity("E").join("\n"), /Failed to load model 'bad': corrupt/);
    });

    it("loads only what is asked for", async () => {
      const bench = new Bench(directory);
      for (const name of ["x", "y"]) bench.put(name, ["1"]);
      assert.equal(await bench.manager.loadAtStart(["y"]), true);
      assert.deepEqual(bench.states, ["y/1 READY"]);
    });

    it("fails for a name that no repository has", async () => {
      const bench = new Bench(directory);
      assert.equal(await bench.manager.loadAtStart(["none"]), false);
      assert.deepEqual(bench.states, ["none/ UNAVAILABLE: model 'none' is in none of the repositories"]);
    });

    it("serves neither of two models with the same name", async () => {
      const bench = new Bench(directory);
      for (const repository of ["a", "b"]) bench.put("twin", ["1"], repository);
      bench.put("m", ["1"]);
      assert.equal(await bench.manager.loadAtStart(null), false);
      assert.deepEqual(bench.states, [
        "m/1 READY",
        "twin/ UNAVAILABLE: model appears in two or more repositories",
      ]);
    });

    it("does not mind models with the same name that nobody asked for", async () => {
      const bench = new Bench(directory);
      for (const repository of ["a", "b"]) bench.put("twin", ["1"], repository);
      bench.put("m", ["1"]);
      assert.equal(await bench.manager.loadAtStart(["m"]), true);
      assert.equal(await new Bench(directory).manager.loadAtStart(["twin"]), false);
    });

    it("loads four models at a time", async () => {
      const bench = new Bench(directory);
      const gate = new Deferred<void>();
      for (let i = 0; i < 9; i++) {
        bench.put(`m${i}`, ["1"]);
        bench.loader.gates.set(`m${i}`, gate);
      }
      const started = bench.manager.loadAtStart(null);
      while (bench.loader.concurrent < 4) await settle();
      gate.resolve();
      await started;
      assert.equal(bench.loader.mostConcurrent, 4);
      assert.equal(bench.loader.loaded.length, 9);
    });

    it("throws when a repository cannot be read", async () => {
      const bench = new Bench(directory);
      bench.delete("b");
      await assert.rejects(bench.manager.loadAtStart(null), { name: "StatusError", code: "INTERNAL" });
    });
  });

  describe("with models that cannot be read", () => {
    const unreadable = (directory: string): UnreadableModel => ({
      name: "m",
      repository: directory,
      problem: { code: "INTERNAL", message: "not for you" },
    });

    /** A scanner that says of model `m` what the test wants. */
    class PartialScanner extends RepositoryScanner {
      unreadableModels: readonly UnreadableModel[] = [];

      override async scan(): Promise<RepositoryScan> {
        return { ...(await super.scan()), unreadableModels: this.unreadableModels };
      }
    }

    it("is not complete at start, and says why", async () => {
      const scanner = new PartialScanner([directory.in("a")]);
      const bench = new Bench(directory, { scanner });
      bench.put("n", ["1"]);
      scanner.unreadableModels = [unreadable(directory.in("a"))];
      assert.equal(await bench.manager.loadAtStart(null), false);
      assert.deepEqual(bench.states, ["m/ UNAVAILABLE: not for you", "n/1 READY"]);
    });

    it("leaves them as they are, says why once, and loads them when they can be read", async () => {
      const scanner = new PartialScanner([directory.in("a")]);
      const bench = new Bench(directory, { scanner });
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      scanner.unreadableModels = [unreadable(directory.in("a"))];
      bench.put("m", ["2"]);
      await bench.manager.poll();
      // Not even its directory gone is a reason to unload it: it may be there.
      bench.delete("a", "m");
      await bench.manager.poll();
      assert.deepEqual(bench.states, ["m/1 READY: not for you"]);
      assert.equal(bench.log.ofSeverity("E").filter((line) => line.includes("not for you")).length, 1);
      scanner.unreadableModels = [];
      bench.put("m", ["3"]);
      await bench.manager.poll();
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded", "m/3 READY"]);
    });
  });

  describe("find", () => {
    it("gives the version asked for, or the highest", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["2", "10"]);
      await bench.manager.loadAtStart(null);
      assert.equal(bench.found("m").version, "10");
      assert.equal(bench.found("m", "2").version, "2");
      assert.equal(bench.found("m", "0010").version, "10");
      assert.deepEqual(
        bench.manager.readyVersions("m").map(({ version }) => version),
        ["2", "10"],
      );
      assert.deepEqual(bench.manager.readyVersions("none"), []);
    });

    it("refuses what is not known and what is not ready, each in its way", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      bench.put("bad", ["1"]);
      bench.loader.failures.set("bad", "corrupt");
      await bench.manager.loadAtStart(null);
      assert.deepEqual(bench.manager.find("none", ""), {
        code: "NOT_FOUND",
        message: "Request for unknown model: 'none' is not found",
      });
      assert.deepEqual(bench.manager.find("m", "4"), {
        code: "NOT_FOUND",
        message: "Request for unknown model: 'm' version 4 is not found",
      });
      assert.deepEqual(bench.manager.find("bad", ""), {
        code: "NOT_FOUND",
        message: "Request for unknown model: 'bad' has no available versions",
      });
      assert.deepEqual(bench.manager.find("bad", "1"), {
        code: "UNAVAILABLE",
        message: "Request for unknown model: 'bad' version 1 is not at ready state (corrupt)",
      });
    });

    it("refuses a version that loads for the first time", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      const gate = new Deferred<void>();
      bench.loader.gates.set("m", gate);
      const started = bench.manager.loadAtStart(null);
      while (bench.states[0] !== "m/1 LOADING") await settle();
      assert.equal((bench.manager.find("m", "1") as { code: string }).code, "UNAVAILABLE");
      assert.equal(bench.manager.areAllReady(), false);
      gate.resolve();
      assert.equal(await started, true);
      bench.found("m", "1");
    });
  });

  describe("poll", () => {
    it("leaves alone what has not changed", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      await bench.manager.poll();
      assert.deepEqual(bench.loader.loaded, ["m"]);
    });

    it("loads what is new and unloads what is gone", async () => {
      const bench = new Bench(directory);
      bench.put("old", ["1"]);
      await bench.manager.loadAtStart(null);
      bench.put("new", ["1"]);
      bench.delete("a", "old");
      await bench.manager.poll();
      await settle();
      assert.deepEqual(bench.states, ["new/1 READY", "old/1 UNAVAILABLE: unloaded"]);
      assert.deepEqual(bench.events, ["old/1 ready", "old/1 unloading", "new/1 ready"]);
      assert.deepEqual(bench.manual("old/1").instance.ends, ["finalize"]);
      assert.ok(bench.manager.areAllReady());
    });

    it("loads a model again that was gone in between, although it is as old as before", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      bench.delete("a", "m");
      await bench.manager.poll();
      directory.make("a", "m", "1");
      utimesSync(directory.in("a", "m"), 2_000_000_000, 2_000_000_000);
      await bench.manager.poll();
      assert.deepEqual(bench.states, ["m/1 READY"]);
    });

    it("reloads what has changed: the new copy takes over, then the old one drains", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      const old = bench.manual("m/1");
      const running = bench.begin("m/1");
      const gate = new Deferred<void>();
      bench.loader.gates.set("m", gate);
      bench.change("m");
      const polled = bench.manager.poll();
      while (bench.loader.loaded.length < 2) await settle();
      assert.equal(bench.found("m"), old.model);
      assert.deepEqual(bench.states, ["m/1 READY"]);
      gate.resolve();
      await polled;
      assert.notEqual(bench.found("m"), old.model);
      assert.deepEqual(bench.events, ["m/1 ready", "m/1 unloading", "m/1 ready"]);
      await settle();
      assert.deepEqual(old.instance.ends, []);
      assert.equal(bench.manager.inflightCount(), 1);
      assert.equal(bench.releaseCount, 0);
      running.finish();
      await settle();
      assert.deepEqual(old.instance.ends, ["finalize"]);
      assert.equal(bench.releaseCount, 1);
      assert.equal(bench.manager.inflightCount(), 0);
      assert.deepEqual(bench.states, ["m/1 READY"]);
    });

    it("keeps the old versions when a reload fails, tries again with each poll, and logs the reason once", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      const old = bench.found("m");
      bench.loader.failures.set("m", "corrupt");
      bench.change("m");
      await bench.manager.poll();
      assert.equal(bench.found("m"), old);
      assert.deepEqual(bench.states, ["m/1 READY: corrupt"]);
      assert.ok(bench.manager.areAllReady());
      await bench.manager.poll();
      assert.equal(bench.loader.loaded.length, 3);
      assert.equal(bench.releaseCount, 2, "what had been loaded of it is released");
      assert.equal(bench.log.ofSeverity("E").length, 1);
      bench.loader.failures.clear();
      await bench.manager.poll();
      assert.notEqual(bench.found("m"), old);
    });

    it("says of a version that failed to come up beside others why it did", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      bench.loader.failures.set("m", "corrupt");
      bench.put("m", ["2"]);
      await bench.manager.poll();
      assert.deepEqual(bench.states, ["m/1 READY", "m/2 UNAVAILABLE: corrupt"]);
      assert.equal(bench.found("m").version, "1");
    });

    it("takes versions away that are gone and adds those that are new", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1", "2"]);
      await bench.manager.loadAtStart(null);
      bench.delete("a", "m", "2");
      bench.put("m", ["3"]);
      await bench.manager.poll();
      await settle();
      assert.deepEqual(bench.states, ["m/1 READY", "m/2 UNAVAILABLE: unloaded", "m/3 READY"]);
      assert.equal(bench.found("m").version, "3");
    });

    it("unloads a model that appears a second time and loads the one that remains", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      bench.put("m", ["1", "2"], "b");
      await bench.manager.poll();
      await settle();
      assert.equal("code" in bench.manager.find("m", ""), true);
      assert.match(bench.log.ofSeverity("E").join(), /'m': model appears in two or more repositories/);
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: model appears in two or more repositories"]);
      assert.equal(bench.manager.areAllReady(), false);
      await bench.manager.poll();
      assert.equal(bench.log.ofSeverity("E").length, 1);
      bench.delete("a", "m");
      await bench.manager.poll();
      assert.equal(bench.found("m").version, "2");
    });

    it("forgets a model that never came up once its directory is gone", async () => {
      const bench = new Bench(directory);
      bench.put("bad", ["1"]);
      bench.put("worse", []);
      bench.loader.failures.set("bad", "corrupt");
      await bench.manager.loadAtStart(null);
      assert.equal(bench.states.length, 2);
      bench.delete("a", "bad");
      bench.delete("a", "worse");
      await bench.manager.poll();
      assert.deepEqual(bench.states, []);
      assert.ok(bench.manager.areAllReady());
      assert.equal((bench.manager.find("bad", "") as { code: string }).code, "NOT_FOUND");
    });

    it("waits for the one before it", async () => {
      const bench = new Bench(directory);
      const gate = new Deferred<void>();
      bench.loader.gates.set("m", gate);
      await bench.manager.loadAtStart(null);
      bench.put("m", ["1"]);
      const first = bench.manager.poll();
      const second = bench.manager.poll();
      while (bench.loader.loaded.length < 1) await settle();
      await settle();
      assert.equal(bench.loader.concurrent, 1);
      gate.resolve();
      await Promise.all([first, second]);
      assert.deepEqual(bench.loader.loaded, ["m"]);
      assert.deepEqual(bench.states, ["m/1 READY"]);
    });

    it("changes nothing and says so when a repository cannot be read", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      bench.delete("b");
      await bench.manager.poll();
      assert.deepEqual(bench.states, ["m/1 READY"]);
      assert.match(bench.log.ofSeverity("E").join(), /Polling leaves the models of /);
    });

    it("keeps a version that came back while its old copy drained", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      const running = bench.begin("m/1");
      bench.put("m", ["1"], "b");
      await bench.manager.poll();
      assert.deepEqual(bench.states, ["m/1 UNLOADING"]);
      bench.delete("a", "m");
      await bench.manager.poll();
      assert.deepEqual(bench.states, ["m/1 READY"]);
      running.finish();
      await settle();
      assert.deepEqual(bench.states, ["m/1 READY"]);
    });

    it("is not ready with a model whose instances have died for good, and loads it again", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      const { pool, instance, model } = bench.manual("m/1");
      pool.onCrash(instance, "died");
      await settle();
      assert.equal(bench.manager.areAllReady(), false);
      await bench.manager.poll();
      assert.notEqual(bench.found("m"), model);
      assert.ok(bench.manager.areAllReady());
    });

    it("unloads a model whose instance has died for good", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      const { pool, instance } = bench.manual("m/1");
      pool.onCrash(instance, "died");
      await settle();
      bench.delete("a", "m");
      await bench.manager.poll();
      await settle();
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded"]);
    });
  });

  describe("the end", () => {
    it("unloadAll lets requests end and releases everything", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      bench.put("n", ["1"]);
      await bench.manager.loadAtStart(null);
      const running = bench.begin("m/1");
      let isDone = false;
      const done = bench.manager.unloadAll().then(() => (isDone = true));
      await settle();
      assert.equal(isDone, false);
      assert.deepEqual(bench.states, ["m/1 UNLOADING", "n/1 UNAVAILABLE: unloaded"]);
      assert.equal(bench.manager.inflightCount(), 1);
      running.finish();
      await done;
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded", "n/1 UNAVAILABLE: unloaded"]);
    });

    it("unloadAll waits for a start or a poll that is under way, and unloads what it brought", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      const gate = new Deferred<void>();
      bench.loader.gates.set("m", gate);
      const started = bench.manager.loadAtStart(null);
      while (bench.loader.loaded.length < 1) await settle();
      const done = bench.manager.unloadAll();
      gate.resolve();
      await Promise.all([started, done]);
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded"]);
      assert.deepEqual(bench.manual("m/1").instance.ends, ["finalize"]);
    });

    it("unloadAll goes on when a model cannot be released, and logs why", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      bench.manual("m/1").instance.finalized = Promise.reject(new Error("stuck"));
      await bench.manager.unloadAll();
      assert.match(bench.log.ofSeverity("E").join(), /Unloading 'm' version 1: stuck/);
      assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded"]);
    });

    it("terminateAll ends the instances of models that serve and of models that drain", async () => {
      const bench = new Bench(directory);
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      const old = bench.manual("m/1");
      const running = bench.begin("m/1");
      bench.change("m");
      await bench.manager.poll();
      await bench.manager.terminateAll();
      assert.deepEqual(old.instance.ends, ["terminate"]);
      assert.deepEqual(bench.manual("m/1").instance.ends, ["terminate"]);
      running.finish();
    });
  });
});
