import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { defaultMetricsConfig } from "../../../../server/metrics/metrics-config.ts";
import { QuantileSketch } from "../../../../server/statistics/quantile-sketch.ts";

const targets = defaultMetricsConfig.summaryQuantiles;

/** Numbers in [0, 1), the same ones each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Gives `values` to a sketch in batches of `batchLength`. */
function sketchOf(values: readonly number[], batchLength: number): QuantileSketch {
  const sketch = new QuantileSketch(targets);
  for (let start = 0; start < values.length; start += batchLength) {
    sketch.add(Float64Array.from(values.slice(start, start + batchLength)).sort());
  }
  return sketch;
}

const random = seeded(7);
const streams: Readonly<Record<string, readonly number[]>> = {
  uniform: Array.from({ length: 100_000 }, () => random() * 1e6),
  "with a long tail": Array.from({ length: 100_000 }, () => Math.floor(100 / (1 - random()))),
  ascending: Array.from({ length: 50_000 }, (_, i) => i),
  descending: Array.from({ length: 50_000 }, (_, i) => -i),
  "of few different values": Array.from({ length: 50_000 }, () => Math.floor(random() * 4)),
  "of one value": Array.from({ length: 10_000 }, () => 42),
};

describe("QuantileSketch", () => {
  for (const [name, values] of Object.entries(streams)) {
    for (const batchLength of [1, 7, 512]) {
      it(`QuantileSketch tells the quantiles of a stream ${name} in batches of ${batchLength} as exactly as asked`, () => {
        const some = batchLength === 1 ? values.slice(0, 5_000) : values;
        const sketch = sketchOf(some, batchLength);
        const sorted = [...some].sort((a, b) => a - b);
        for (const { quantile, error } of targets) {
          const value = sketch.valueAt(quantile);
          // A value that stands there several times has all their ranks.
          const lowest = sorted.findIndex((other) => other >= value) + 1;
          const highest = sorted.findLastIndex((other) => other <= value) + 1;
          const wanted = quantile * some.length;
          const slack = error * some.length + 1;
          assert.ok(
            lowest <= wanted + slack && highest >= wanted - slack,
            `${quantile}: ranks ${lowest} to ${highest}, wanted ${wanted} ± ${slack}`,
          );
        }
      });
    }
  }

  it("QuantileSketch keeps few of many values", () => {
    for (const [name, values] of Object.entries(streams)) {
      const { size } = sketchOf(values, 512);
      assert.ok(size < 1_000, `${name}: ${size}`);
    }
  });

  it("QuantileSketch of few values knows them", () => {
    const sketch = sketchOf([3, 1, 2], 3);
    assert.deepEqual(
      [0.05, 0.5, 0.999].map((quantile) => sketch.valueAt(quantile)),
      [1, 2, 3],
    );
    assert.equal(sketchOf([5], 1).valueAt(0.5), 5);
  });

  it("QuantileSketch without values has no quantile, and again when it is cleared", () => {
    const sketch = new QuantileSketch(targets);
    assert.ok(Number.isNaN(sketch.valueAt(0.5)));
    sketch.add(Float64Array.of(1, 2));
    sketch.clear();
    assert.ok(Number.isNaN(sketch.valueAt(0.5)));
    sketch.add(Float64Array.of(9));
    assert.equal(sketch.valueAt(0.5), 9);
    assert.equal(sketch.size, 1);
  });
});
