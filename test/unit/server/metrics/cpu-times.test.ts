import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { cpuTimesFromOs, parseProcStat, utilizationBetween } from "../../../../server/metrics/cpu-times.ts";

describe("parseProcStat", () => {
  it("parseProcStat counts waiting for disks as idle and guests once", () => {
    const text =
      "cpu  1 20 300 4000 50000 600000 7000000 80000000 900000000 9000000000\ncpu0 9 9 9 9\nintr 1 2 3\n";
    assert.deepEqual(parseProcStat(text), {
      busy: 1 + 20 + 300 + 600_000 + 7_000_000 + 80_000_000,
      idle: 54_000,
    });
  });

  it("parseProcStat reads the short line of old kernels", () => {
    assert.deepEqual(parseProcStat("cpu  1 2 3 4\n"), { busy: 6, idle: 4 });
  });

  it("parseProcStat returns null for anything else", () => {
    for (const text of ["", "cpu0 1 2 3 4\n", "cpu  1 2 3\n", "cpu  a b c d\n", "intr 5\n"]) {
      assert.equal(parseProcStat(text), null, text);
    }
  });
});

describe("cpuTimesFromOs", () => {
  it("cpuTimesFromOs sums time that has passed", () => {
    const { busy, idle } = cpuTimesFromOs();
    assert(busy > 0 && idle > 0);
  });
});

describe("utilizationBetween", () => {
  it("utilizationBetween is the busy share", () => {
    assert.equal(utilizationBetween({ busy: 100, idle: 500 }, { busy: 130, idle: 510 }), 0.75);
    assert.equal(utilizationBetween({ busy: 0, idle: 0 }, { busy: 5, idle: 0 }), 1);
  });

  it("utilizationBetween is 0 when no time has passed", () => {
    assert.equal(utilizationBetween({ busy: 1, idle: 2 }, { busy: 1, idle: 2 }), 0);
  });

  it("utilizationBetween stays between 0 and 1 when a counter went back", () => {
    assert.equal(utilizationBetween({ busy: 10, idle: 10 }, { busy: 5, idle: 20 }), 0);
    assert.equal(utilizationBetween({ busy: 10, idle: 10 }, { busy: 20, idle: 5 }), 1);
  });
});
