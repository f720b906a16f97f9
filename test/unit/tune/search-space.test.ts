import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { settingsKey } from "../../../tune/candidate-settings.ts";
import { SearchSpace } from "../../../tune/search-space.ts";

const values = {
  instanceCounts: [1, 2, 4],
  threadCounts: [1, 2],
  maxBatchSizes: [1, 8],
  queueDelaysUs: [0, 500],
};

describe("SearchSpace", () => {
  it("leaves out splits that need more threads than there are cores, but for one thread each", () => {
    const splits = new Set(
      new SearchSpace(values, 2)
        .all()
        .map(({ instanceCount, threadCount }) => `${instanceCount}x${threadCount ?? 0}`),
    );
    assert.deepEqual([...splits], ["1x1", "1x2", "2x1", "4x1"]);
    assert.equal(new SearchSpace(values, null).all().filter((each) => each.instanceCount === 4).length, 6);
  });

  it("knows one candidate without batches, whatever the delay", () => {
    const space = new SearchSpace(values, 2);
    assert.deepEqual(space.at([0, 0, 0, 1]), space.at([0, 0, 0, 0]));
    const keys = space.all().map(settingsKey);
    assert.equal(new Set(keys).size, keys.length);
    // Four splits with batches of 1, and of 8 with both delays.
    assert.equal(keys.length, 12);
  });

  it("finds the point of settings, and the nearest one to others", () => {
    const space = new SearchSpace(values, 2);
    const settings = { instanceCount: 2, threadCount: 1, maxBatchSize: 8, queueDelayUs: 500 };
    assert.deepEqual(space.at(space.nearest(settings)), settings);
    assert.deepEqual(space.nearest({ ...settings, instanceCount: 9, queueDelayUs: null }), [2, 0, 1, 0]);
  });

  it("has nothing outside of its grid", () => {
    assert.equal(new SearchSpace(values, 2).at([3, 0, 0, 0]), null);
    assert.equal(new SearchSpace(values, 2).at([0, -1, 0, 0]), null);
  });
});
