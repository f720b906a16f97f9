import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import { describe, it } from "mocha";
import { Deferred, settle } from "../../../helpers/deferred.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { RepositoryBench as Bench } from "../../../helpers/repository-bench.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

const settleMs = 100;

describe("ModelRepositoryManager and directories that are being written", () => {
  const directory = useTestDirectory();

  function benchWithClock() {
    const clock = new ManualClock();
    const bench = new Bench(directory, { clock, settleMs });
    /** Lets time pass and looks again. */
    const pollAfter = (ms: number) => {
      clock.advance(ms * 1_000);
      return bench.manager.poll();
    };
    return { bench, clock, pollAfter };
  }

  it("loads a new model only when it has been left alone", async () => {
    const { bench, pollAfter } = benchWithClock();
    await bench.manager.loadAtStart(null);
    bench.put("m", ["1"]);
    assert.equal(await pollAfter(0), "changing");
    bench.put("m", ["1"]);
    assert.equal(await pollAfter(settleMs), "changing");
    assert.equal(await pollAfter(settleMs - 1), "changing");
    assert.deepEqual(bench.loader.loaded, []);
    assert.equal(await pollAfter(1), "settled");
    assert.deepEqual(bench.states, ["m/1 READY"]);
    assert.equal(await pollAfter(0), "settled");
    assert.deepEqual(bench.loader.loaded, ["m"]);
  });

  it("does not unload a model whose directory is taken away and comes back", async () => {
    const { bench, pollAfter } = benchWithClock();
    bench.put("m", ["1"]);
    await bench.manager.loadAtStart(null);
    const old = bench.found("m");
    bench.delete("a", "m");
    assert.equal(await pollAfter(0), "changing");
    bench.put("m", ["1"]);
    assert.equal(await pollAfter(settleMs), "changing");
    assert.equal(bench.found("m"), old);
    assert.equal(await pollAfter(settleMs), "settled");
    assert.notEqual(bench.found("m"), old);
    bench.delete("a", "m");
    await pollAfter(0);
    assert.equal(await pollAfter(settleMs), "settled");
    assert.deepEqual(bench.states, ["m/1 UNAVAILABLE: unloaded"]);
    assert.equal(await pollAfter(0), "settled");
  });

  it("loads again what changed while it was loaded, and serves only that", async () => {
    const { bench, clock } = benchWithClock();
    bench.put("m", ["1"]);
    const gate = new Deferred<void>();
    bench.loader.gates.set("m", gate);
    const started = bench.manager.loadAtStart(null);
    while (bench.loader.loaded.length < 1) await settle();
    bench.put("m", ["1", "2"]);
    gate.resolve();
    while (clock.timerCount === 0) await settle();
    const half = bench.manual("m/1");
    assert.deepEqual(bench.events, []);
    clock.advance(settleMs * 1_000);
    assert.equal(await started, true);
    assert.deepEqual(bench.events, ["m/1 ready", "m/2 ready"]);
    assert.deepEqual(half.instance.ends, ["terminate"]);
    assert.notEqual(bench.found("m", "1"), half.model);
  });

  it("does not believe a failure when the directory changed meanwhile", async () => {
    const { bench, clock } = benchWithClock();
    bench.put("m", ["1"]);
    bench.loader.failures.set("m", "truncated");
    const gate = new Deferred<void>();
    bench.loader.gates.set("m", gate);
    const started = bench.manager.loadAtStart(null);
    while (bench.loader.loaded.length < 1) await settle();
    bench.change("m");
    gate.resolve();
    while (clock.timerCount === 0) await settle();
    bench.loader.failures.clear();
    clock.advance(settleMs * 1_000);
    assert.equal(await started, true);
    assert.deepEqual(bench.log.ofSeverity("E"), []);
  });

  it("gives up a directory that changes during every load, and says so", async () => {
    const { bench, clock } = benchWithClock();
    bench.put("m", ["1"]);
    bench.loader.onLoad = () => bench.change("m");
    const started = bench.manager.loadAtStart(null);
    while (bench.loader.loaded.length < 3) {
      await settle();
      clock.advance(settleMs * 1_000);
    }
    assert.equal(await started, false);
    assert.match(
      bench.states[0] ?? "",
      /^m\/1 UNAVAILABLE: '.*m' changed while the model was loaded from it$/,
    );
    // The next look that finds it at rest loads it.
    bench.loader.onLoad = () => undefined;
    await bench.manager.poll();
    clock.advance(settleMs * 1_000);
    await bench.manager.poll();
    assert.deepEqual(bench.states, ["m/1 READY"]);
  });

  it("says so when a directory vanishes while it is loaded, and what served goes on", async () => {
    const { bench, clock } = benchWithClock();
    bench.put("m", ["1"]);
    await bench.manager.loadAtStart(null);
    const old = bench.found("m");
    bench.change("m");
    bench.loader.failures.set("m", "no such file");
    bench.loader.onLoad = () => bench.delete("a", "m");
    const loaded = bench.manager.load({ modelName: "m", configOverride: null, files: new Map() });
    while (clock.timerCount === 0) await settle();
    clock.advance(settleMs * 1_000);
    assert.match(JSON.stringify(await loaded), /changed while the model was loaded from it: no such file/);
    assert.equal(bench.found("m"), old);
  });

  describe("when a directory does not come to rest", () => {
    const reason =
      /'.*m' has been changing for \d+ s, most recently '1\/model\.onnx'\. It is loaded when nothing in it has changed for 100 ms/;

    let writeCount = 0;

    /** Changes the model each second and looks, for as long as that. */
    async function keepChanging(made: ReturnType<typeof benchWithClock>, seconds: number): Promise<void> {
      for (let second = 0; second < seconds; second++) {
        directory.write("", "a", "m", "1", "model.onnx");
        // Newer than everything else, and than the last time.
        writeCount++;
        const time = 2_000_000_000 + writeCount;
        utimesSync(directory.in("a", "m", "1", "model.onnx"), time, time);
        assert.equal(await made.pollAfter(1_000), "changing");
      }
    }

    it("says so in the log, once, and in the index, and the server stays ready", async () => {
      const made = benchWithClock();
      const { bench, pollAfter } = made;
      bench.put("other", ["1"]);
      await bench.manager.loadAtStart(null);
      await keepChanging(made, 60);
      assert.deepEqual([bench.log.ofSeverity("W"), bench.states], [[], ["other/1 READY"]]);
      await keepChanging(made, 60);
      const [warning, ...more] = bench.log.ofSeverity("W");
      assert.match(warning ?? "", reason);
      assert.match(warning ?? "", /Model 'm' is not loaded: .* for 60 s/);
      assert.deepEqual(more, []);
      const [row] = await bench.manager.repositoryIndex(false);
      assert.equal(row!.state, "UNAVAILABLE");
      assert.match(row!.reason, reason);
      assert.match(row!.reason, /for 119 s/);
      assert.ok(bench.manager.areAllReady());
      assert.match(JSON.stringify(bench.manager.find("m", "")), /has no available versions/);
      await pollAfter(settleMs);
      assert.deepEqual(bench.states, ["m/1 READY", "other/1 READY"]);
    });

    it("says so of a model that serves, which goes on, and warns again of another time", async () => {
      const made = benchWithClock();
      const { bench, pollAfter } = made;
      bench.put("m", ["1"]);
      await bench.manager.loadAtStart(null);
      for (const warningCount of [1, 2]) {
        const old = bench.found("m");
        await keepChanging(made, 62);
        assert.equal(bench.found("m"), old);
        assert.match(bench.log.ofSeverity("W").at(-1) ?? "", /Model 'm' is served as it was before: '/);
        assert.equal(bench.log.ofSeverity("W").length, warningCount);
        assert.match(bench.states.join(), /^m\/1 READY: '.*m' has been changing for 61 s/);
        await pollAfter(settleMs);
        assert.notEqual(bench.found("m"), old);
        assert.deepEqual(bench.states, ["m/1 READY"]);
      }
    });

    it("forgets a model that is gone before it ever came to rest", async () => {
      const made = benchWithClock();
      const { bench, pollAfter } = made;
      await bench.manager.loadAtStart(null);
      await keepChanging(made, 62);
      assert.equal(bench.states.length, 1);
      bench.delete("a", "m");
      await pollAfter(0);
      assert.equal(await pollAfter(settleMs), "settled");
      assert.deepEqual(bench.states, []);
    });
  });

  it("leaves what is being written at start to the polls, when it polls", async () => {
    const { bench, clock, pollAfter } = benchWithClock();
    bench.put("old", ["1"]);
    directory.write("", "a", "fresh", "1", "model.onnx");
    const started = bench.manager.loadAtStart(null, true);
    for (let isOver = false; !isOver; ) {
      await settle();
      // Who writes goes on for as long as the start may wait.
      directory.write("", "a", "fresh", "1", "model.onnx");
      clock.advance(settleMs * 1_000);
      isOver = await Promise.race([started.then(() => true), settle().then(() => false)]);
    }
    assert.equal(await started, true);
    assert.deepEqual(bench.states, ["old/1 READY"]);
    await pollAfter(0);
    await pollAfter(settleMs);
    assert.deepEqual(bench.states, ["fresh/1 READY", "old/1 READY"]);
  });
});
