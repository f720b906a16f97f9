import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ServerRefusal } from "../../../perf_analyzer/client-backend/server-client.ts";
import {
  addGrowth,
  breakdownOf,
  growthBetween,
  readStatistics,
  statisticsNode,
} from "../../../perf_analyzer/server-statistics.ts";
import { statisticsOf } from "./statistics-fixture.ts";

const at = (count: number, nsPerRequest = 10_000) => ({ count, nsPerRequest });

describe("growthBetween", () => {
  it("takes the highest version whose queue count grew", () => {
    const before = {
      versions: [
        statisticsOf("m", "2", at(5)),
        statisticsOf("m", "10", at(7)),
        statisticsOf("m", "3", at(1)),
      ],
      composing: [],
      isEnsemble: false,
    };
    const after = {
      versions: [
        statisticsOf("m", "2", at(9)),
        statisticsOf("m", "10", at(7)),
        statisticsOf("m", "3", at(4)),
      ],
      composing: [],
      isEnsemble: false,
    };
    const growth = growthBetween(before, after);
    assert.equal(growth?.version, "3");
    assert.equal(growth.inferenceCount, 3);
    assert.equal(growth.durations.success.ns, 30_000);
  });

  it("counts a version that was loaded in between from zero", () => {
    const growth = growthBetween(
      { versions: [], composing: [], isEnsemble: false },
      { versions: [statisticsOf("m", "1", at(4))], composing: [], isEnsemble: false },
    );
    assert.equal(growth?.executionCount, 4);
  });
});

describe("addGrowth", () => {
  it("adds windows up, the models inside too", () => {
    const reading = (count: number) => ({
      versions: [statisticsOf("e", "1", at(count))],
      composing: [
        { versions: [statisticsOf("inner", "1", at(count * 2))], composing: [], isEnsemble: false },
      ],
      isEnsemble: true,
    });
    const sum = addGrowth([
      growthBetween(reading(0), reading(3)),
      null,
      growthBetween(reading(3), reading(8)),
    ]);
    assert.equal(sum?.inferenceCount, 8);
    assert.equal(sum.composing[0]?.inferenceCount, 16);
  });
});

describe("breakdownOf", () => {
  const growth = growthBetween(
    { versions: [], composing: [], isEnsemble: false },
    { versions: [statisticsOf("m", "1", at(4, 100_000))], composing: [], isEnsemble: false },
  );

  it("calls overhead what no part explains", () => {
    assert.ok(growth !== null);
    const breakdown = breakdownOf(growth);
    assert.equal(breakdown.requestUs, 100);
    assert.equal(breakdown.queueUs, 10);
    assert.equal(breakdown.computeInferUs, 10);
    assert.equal(breakdown.overheadUs, 60);
  });

  it("finds the time of an ensemble in its steps", () => {
    assert.ok(growth !== null);
    const ensemble = { ...growth, composing: [growth, growth], isEnsemble: true };
    const { queueUs, computeInferUs, overheadUs } = breakdownOf(ensemble);
    assert.deepEqual([queueUs, computeInferUs, overheadUs], [20, 20, 20]);
  });

  it("leaves a model its own time beside the models that it calls", () => {
    assert.ok(growth !== null);
    const { queueUs, computeInferUs } = breakdownOf({ ...growth, composing: [growth, growth] });
    assert.deepEqual([queueUs, computeInferUs], [10, 10]);
  });
});

describe("statisticsNode", () => {
  const configs: Record<string, object> = {
    outer: {
      ensemble_scheduling: { step: [{ model_name: "inner", model_version: "-1" }, { model_name: "a" }] },
    },
    inner: {
      ensemble_scheduling: {
        step: [
          { model_name: "a", model_version: 2 },
          { model_name: "a", model_version: 2 },
        ],
      },
    },
    a: {},
  };
  const client = {
    isModelReady: () => Promise.resolve(true),
    modelMetadata: (name: string) => Promise.resolve({ name }),
    modelConfig: (name: string) => Promise.resolve({ ...configs[name] }),
    modelStatistics: () => Promise.reject(new ServerRefusal("HTTP 404", true)),
    registerSystemSharedMemory: () => Promise.resolve(),
    unregisterSystemSharedMemory: () => Promise.resolve(),
    updateTraceSettings: () => Promise.resolve(),
    close: () => undefined,
  };

  it("finds models inside ensembles inside ensembles, each once", async () => {
    const inner = [
      { name: "inner", version: "" },
      { name: "a", version: "" },
    ];
    const node = await statisticsNode(client, { name: "outer", version: "" }, inner);
    assert.deepEqual(node, {
      name: "outer",
      version: "",
      composing: [
        {
          name: "inner",
          version: "",
          composing: [{ name: "a", version: "2", composing: [], isEnsemble: false }],
          isEnsemble: true,
        },
        { name: "a", version: "", composing: [], isEnsemble: false },
      ],
      isEnsemble: true,
    });
  });

  it("takes the models that a model calls, and those inside them", async () => {
    const called = [
      { name: "a", version: "3" },
      { name: "inner", version: "" },
    ];
    const node = await statisticsNode(client, { name: "bls", version: "" }, [], called);
    assert.equal(node.isEnsemble, false);
    assert.deepEqual(
      node.composing.map(({ name, version, isEnsemble }) => [name, version, isEnsemble]),
      [
        ["a", "3", false],
        ["inner", "", true],
      ],
    );
  });

  it("has no reading from a server without the extension", async () => {
    assert.equal(
      await readStatistics(client, { name: "a", version: "", composing: [], isEnsemble: false }),
      null,
    );
  });
});
