import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { alternatingRounds } from "../../../../bench/harness/alternating-rounds.ts";

describe("alternatingRounds", () => {
  it("reverses the order in every second round and pairs what belongs together", async () => {
    const order: string[] = [];
    let serverCount = 0;
    let baselineCount = 0;
    const rounds = await alternatingRounds(
      3,
      () => {
        order.push("server");
        return Promise.resolve(++serverCount);
      },
      () => {
        order.push("baseline");
        return Promise.resolve(++baselineCount * 10);
      },
    );
    assert.deepEqual(order, ["server", "baseline", "baseline", "server", "server", "baseline"]);
    assert.deepEqual(rounds, [
      { server: 1, baseline: 10 },
      { server: 2, baseline: 20 },
      { server: 3, baseline: 30 },
    ]);
  });
});
