import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { StatusError } from "../../../../server/core/status.ts";
import type { ModelFamily } from "../../../../server/metrics/metric-families.ts";
import { ModelMetrics, type ModelRegistration } from "../../../../server/metrics/model-metrics.ts";
import { ModelStatistics } from "../../../../server/statistics/model-statistics.ts";

const family: ModelFamily = {
  name: "x",
  type: "gauge",
  unit: "s",
  help: "x",
  isLatency: false,
  ownLabels: ["part"],
  read: ({ loadDurationSecs }) => [{ suffix: "", labels: { part: "a" }, value: loadDurationSecs }],
};

function model(name: string, version: string, loadDurationSecs: number, tags = {}): ModelRegistration {
  return { name, version, namespace: null, tags, loadDurationSecs, statistics: new ModelStatistics() };
}

describe("ModelMetrics", () => {
  it("ModelMetrics labels series with model, version, tags and the family's own labels", () => {
    const metrics = new ModelMetrics();
    metrics.register(model("m", "1", 3, { team: "search", "2nd": "é" }));
    assert.deepEqual(metrics.collect(family), [
      { suffix: "", labels: { model: "m", version: "1", _team: "search", _2nd: "é", part: "a" }, value: 3 },
    ]);
  });

  it("ModelMetrics shows each model with its own tags, from registration to removal", () => {
    const metrics = new ModelMetrics();
    const removeFirst = metrics.register(model("m", "1", 1, { a: "x" }));
    const removeSecond = metrics.register(model("m", "2", 2, { b: "y" }));
    assert.deepEqual(
      metrics.collect(family).map(({ labels }) => labels),
      [
        { model: "m", version: "1", _a: "x", part: "a" },
        { model: "m", version: "2", _b: "y", part: "a" },
      ],
    );
    removeFirst();
    assert.deepEqual(
      metrics.collect(family).map(({ value }) => value),
      [2],
    );
    removeSecond();
    assert.deepEqual(metrics.collect(family), []);
  });

  it("ModelMetrics shows the newest of two copies, and the older again when the newer goes", () => {
    const metrics = new ModelMetrics();
    metrics.register(model("m", "1", 1));
    const removeNewer = metrics.register(model("m", "1", 2));
    assert.deepEqual(
      metrics.collect(family).map(({ value }) => value),
      [2],
    );
    removeNewer();
    assert.deepEqual(
      metrics.collect(family).map(({ value }) => value),
      [1],
    );
  });

  it("ModelMetrics keeps the newer copy when the older goes", () => {
    const metrics = new ModelMetrics();
    const removeOlder = metrics.register(model("m", "1", 1));
    metrics.register(model("m", "1", 2));
    removeOlder();
    assert.deepEqual(
      metrics.collect(family).map(({ value }) => value),
      [2],
    );
  });

  it("ModelMetrics puts a model that was removed and comes back at the end", () => {
    const metrics = new ModelMetrics();
    const remove = metrics.register(model("m", "1", 1));
    metrics.register(model("n", "1", 2));
    remove();
    metrics.register(model("m", "1", 3));
    assert.deepEqual(
      metrics.collect(family).map(({ value }) => value),
      [2, 3],
    );
  });

  it("ModelMetrics removal twice does not touch a later registration", () => {
    const metrics = new ModelMetrics();
    const remove = metrics.register(model("m", "1", 1));
    remove();
    metrics.register(model("m", "1", 2));
    remove();
    assert.deepEqual(
      metrics.collect(family).map(({ value }) => value),
      [2],
    );
  });

  it("ModelMetrics does not mix up names and versions that join alike", () => {
    const metrics = new ModelMetrics();
    metrics.register(model('m","1', "2", 1));
    metrics.register(model("m", '1","2', 2));
    assert.equal(metrics.collect(family).length, 2);
  });

  it("ModelMetrics refuses a tag that cannot be a label, and registers nothing", () => {
    const metrics = new ModelMetrics();
    for (const tag of ["", "a-b", "a b", "é", 'a"b']) {
      assert.throws(
        () => metrics.register(model("m", "1", 1, { [tag]: "x" })),
        (error) =>
          error instanceof StatusError &&
          error.code === "INVALID_ARG" &&
          error.message.startsWith(`Model "m": metric_tags key ${JSON.stringify(tag)} cannot be`),
      );
    }
    assert.deepEqual(metrics.collect(family), []);
  });
});
