import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "mocha";
import { TrimThread } from "../../../../server/native-memory/trim-thread.ts";

/** Whether the C library of this process is glibc. */
function hasGlibc(): boolean {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return process.platform === "linux" && header.glibcVersionRuntime !== undefined;
}

describe("TrimThread", () => {
  const trim = (thread: TrimThread): Promise<boolean> =>
    new Promise((resolve) => thread.trim((canTrim) => resolve(canTrim)));

  it("trims with glibc, as often as it is asked, and elsewhere says that it cannot", async () => {
    const thread = new TrimThread();
    try {
      assert.equal(await trim(thread), hasGlibc());
      assert.equal(await trim(thread), hasGlibc());
    } finally {
      thread.close();
    }
  });

  it("does nothing once it is closed", async () => {
    const thread = new TrimThread();
    thread.close();
    assert.equal(await trim(thread), false);
  });
});
