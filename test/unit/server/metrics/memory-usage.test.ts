import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { memoryUsageFromOs, parseProcMeminfo } from "../../../../server/metrics/memory-usage.ts";

describe("parseProcMeminfo", () => {
  it("parseProcMeminfo counts as used what is not available", () => {
    const text = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\nBuffers: 1 kB\n";
    assert.deepEqual(parseProcMeminfo(text), { totalBytes: 1_024_000, usedBytes: 614_400 });
  });

  it("parseProcMeminfo never reports negative memory", () => {
    assert.deepEqual(parseProcMeminfo("MemTotal: 1 kB\nMemAvailable: 2 kB\n"), {
      totalBytes: 1_024,
      usedBytes: 0,
    });
  });

  it("parseProcMeminfo returns null when a field is missing", () => {
    assert.equal(parseProcMeminfo("MemTotal: 1 kB\n"), null);
    assert.equal(parseProcMeminfo("MemAvailable: 1 kB\n"), null);
    assert.equal(parseProcMeminfo("SwapMemTotal: 1 kB\nMemAvailable: 1 kB\n"), null);
  });
});

describe("memoryUsageFromOs", () => {
  it("memoryUsageFromOs uses less than there is", () => {
    const { totalBytes, usedBytes } = memoryUsageFromOs();
    assert(usedBytes > 0 && usedBytes < totalBytes);
  });
});
