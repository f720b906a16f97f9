import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Worker } from "node:worker_threads";
import { once } from "node:events";
import { monotonicNowUs, systemClock } from "../../../../server/core/clock.ts";

/** When the timer fired, µs. */
function firedAt(deadlineUs: number): Promise<number> {
  return new Promise((resolve) => systemClock.at(deadlineUs, () => resolve(monotonicNowUs())));
}

describe("monotonicNowUs", () => {
  it("never goes back and counts microseconds", () => {
    const start = monotonicNowUs();
    const startMs = performance.now();
    let last = start;
    for (let i = 0; i < 1_000; i++) {
      const now = monotonicNowUs();
      assert.ok(now >= last);
      last = now;
    }
    const elapsedUs = (performance.now() - startMs) * 1e3;
    assert.ok(last - start <= elapsedUs + 1, `${last - start} µs within ${elapsedUs} µs`);
  });

  it("is the time of the system's monotonic clock, so all threads agree", async () => {
    const clockUrl = new URL("../../../../server/core/clock.js", import.meta.url).href;
    const code = `import(${JSON.stringify(clockUrl)}).then((clock) => {
      require("node:worker_threads").parentPort.postMessage(clock.monotonicNowUs());
    });`;
    const before = monotonicNowUs();
    const [there] = (await once(new Worker(code, { eval: true }), "message")) as [number];
    const after = monotonicNowUs();
    // The offsets of two threads are each measured to a microsecond or two.
    assert.ok(there > before - 100 && there < after + 100, `${before} ${there} ${after}`);
  });
});

describe("systemClock", () => {
  for (const delayUs of [0, 150, 1_000, 2_500, 4_200]) {
    it(`at fires not before its deadline, ${delayUs} µs ahead`, async () => {
      const deadlineUs = systemClock.nowUs() + delayUs;
      assert.ok((await firedAt(deadlineUs)) >= deadlineUs);
    });
  }

  it("at fires for a deadline that has passed, and not before it returns", async () => {
    let hasReturned = false;
    const fired = firedAt(systemClock.nowUs() - 1_000).then(() => assert.ok(hasReturned));
    hasReturned = true;
    await fired;
  });

  it("at does not fire once cancelled, whichever way it waits", async () => {
    const fired: string[] = [];
    const now = systemClock.nowUs();
    const soon = systemClock.at(now + 100, () => fired.push("soon"));
    const later = systemClock.at(now + 2_500, () => fired.push("later"));
    soon.cancel();
    later.cancel();
    later.cancel();
    await firedAt(now + 3_500);
    assert.deepEqual(fired, []);
  });

  it("cancel after the callback ran does nothing", async () => {
    let timer = systemClock.at(0, () => undefined);
    await new Promise<void>((resolve) => {
      timer = systemClock.at(0, resolve);
    });
    timer.cancel();
  });

  it("at waits for deadlines that are further away than a timer of Node can count", async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.name);
    process.on("warning", onWarning);
    const timer = systemClock.at(systemClock.nowUs() + 2 ** 33 * 1_000, () => assert.fail("fired"));
    await firedAt(systemClock.nowUs() + 3_000);
    timer.cancel();
    process.off("warning", onWarning);
    assert.deepEqual(warnings, []);
  });

  it("endOfTurn runs after the microtasks and the callback that asked for it", async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.endOfTurn(() => {
        order.push("end of turn");
        resolve();
      });
      queueMicrotask(() => order.push("microtask"));
      order.push("caller");
    });
    assert.deepEqual(order, ["caller", "microtask", "end of turn"]);
  });
});
