import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { selectVersions } from "../../../../server/repository/version-policy.ts";

const existing = [7, 1, 10, 3];

describe("selectVersions", () => {
  it("latest takes the highest numbers", () => {
    const latest = (numVersions: number): unknown =>
      selectVersions({ kind: "latest", numVersions }, existing);
    assert.deepEqual(latest(1), { selected: [10], missing: [] });
    assert.deepEqual(latest(2), { selected: [7, 10], missing: [] });
    assert.deepEqual(latest(9), { selected: [1, 3, 7, 10], missing: [] });
    assert.deepEqual(latest(0), { selected: [], missing: [] });
  });

  it("all takes all", () => {
    assert.deepEqual(selectVersions({ kind: "all" }, existing), { selected: [1, 3, 7, 10], missing: [] });
    assert.deepEqual(selectVersions({ kind: "all" }, []), { selected: [], missing: [] });
  });

  it("specific takes those that exist and names the others", () => {
    assert.deepEqual(selectVersions({ kind: "specific", versions: [10, 2, 1] }, existing), {
      selected: [1, 10],
      missing: [2],
    });
    assert.deepEqual(selectVersions({ kind: "specific", versions: [2] }, existing), {
      selected: [],
      missing: [2],
    });
  });
});
