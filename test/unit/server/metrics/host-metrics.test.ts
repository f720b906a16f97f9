import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { HostMetrics } from "../../../../server/metrics/host-metrics.ts";

function setUp() {
  const clock = { us: 0, nowUs: () => clock.us };
  const files: Record<string, string> = {
    "/proc/stat": "cpu  100 0 0 300\n",
    "/proc/meminfo": "MemTotal: 4 kB\nMemAvailable: 3 kB\n",
  };
  const reads: string[] = [];
  const host = new HostMetrics(clock, (path) => {
    reads.push(path);
    const text = files[path];
    return text === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(text);
  });
  return { clock, files, reads, host };
}

describe("HostMetrics", () => {
  it("HostMetrics measures the first utilization from the machine's start", async () => {
    const { host } = setUp();
    assert.deepEqual(host.sample, { cpuUtilization: 0, memoryTotalBytes: 0, memoryUsedBytes: 0 });
    await host.refresh();
    assert.deepEqual(host.sample, { cpuUtilization: 0.25, memoryTotalBytes: 4_096, memoryUsedBytes: 1_024 });
  });

  it("HostMetrics measures later ones from the refresh before", async () => {
    const { clock, files, host } = setUp();
    await host.refresh();
    files["/proc/stat"] = "cpu  190 0 0 310\n";
    clock.us = 1_000_000;
    await host.refresh();
    assert.equal(host.sample.cpuUtilization, 0.9);
  });

  it("HostMetrics keeps its numbers for a second", async () => {
    const { clock, files, reads, host } = setUp();
    await host.refresh();
    files["/proc/stat"] = "cpu  101 0 0 300\n";
    clock.us = 999_999;
    await host.refresh();
    assert.equal(host.sample.cpuUtilization, 0.25);
    assert.equal(reads.length, 2);
    clock.us = 1_000_000;
    await host.refresh();
    assert.equal(host.sample.cpuUtilization, 1);
  });

  it("HostMetrics reads once for scrapes at the same time", async () => {
    const { reads, host } = setUp();
    await Promise.all([host.refresh(), host.refresh()]);
    assert.deepEqual(reads, ["/proc/stat", "/proc/meminfo"]);
    assert.equal(host.sample.cpuUtilization, 0.25);
  });

  it("HostMetrics asks Node where there is no /proc, or an odd one", async () => {
    const { files, host } = setUp();
    files["/proc/stat"] = "nothing known";
    delete files["/proc/meminfo"];
    await host.refresh();
    assert(host.sample.cpuUtilization > 0 && host.sample.cpuUtilization < 1);
    assert(host.sample.memoryTotalBytes > 4_096);
  });
});
