import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CoreBudget } from "../../../../server/model/core-budget.ts";
import { type InstancePlan, planInstances } from "../../../../server/model/instance-plan.ts";
import type { InstanceGroup } from "../../../../server/model-config/model-config.ts";
import { makeModelConfig } from "../../../helpers/model-config.ts";

function group(name: string, parts: Partial<InstanceGroup> = {}): InstanceGroup {
  return { name, kind: "KIND_CPU", count: 1, gpus: [], isPassive: false, rateLimiter: null, ...parts };
}

function plan(
  groups: InstanceGroup[],
  init: { cores?: number; threads?: number | null; gpus?: number[] } = {},
): InstancePlan {
  return planInstances({
    config: makeModelConfig({ instanceGroup: groups }),
    version: "3",
    modelPath: "/models/m/3/model.onnx",
    settings: { intraOpThreadCount: init.threads ?? null, options: { some: "option" } },
    coreBudget: new CoreBudget(init.cores ?? 8),
    gpuDeviceIds: () => init.gpus ?? [0],
  });
}

describe("planInstances", () => {
  it("tells each instance all that it needs", () => {
    assert.deepEqual(plan([group("m_cpu")]).inits, [
      {
        modelName: "m",
        modelVersion: "3",
        instanceName: "m_cpu_0",
        modelPath: "/models/m/3/model.onnx",
        kind: "KIND_CPU",
        deviceId: -1,
        threadCount: 8,
        options: { some: "option" },
      },
    ]);
  });

  it("names passive instances and gives their cores to the others", () => {
    const { inits, passive } = plan([group("a"), group("b", { count: 2, isPassive: true })]);
    assert.deepEqual([...passive], ["b_0", "b_1"]);
    assert.deepEqual(
      inits.map(({ instanceName, threadCount }) => [instanceName, threadCount]),
      [
        ["a_0", 8],
        ["b_0", 8],
        ["b_1", 8],
      ],
    );
  });

  it("numbers the instances of a group and shares the cores between all groups", () => {
    const { inits } = plan([group("a", { count: 2 }), group("b", { count: 2 })]);
    assert.deepEqual(
      inits.map(({ instanceName }) => instanceName),
      ["a_0", "a_1", "b_0", "b_1"],
    );
    assert.deepEqual(
      inits.map(({ threadCount }) => threadCount),
      [2, 2, 2, 2],
    );
  });

  it("puts count instances of a GPU group on each of its GPUs", () => {
    const { inits } = plan([
      group("g", { kind: "KIND_GPU", count: 2, gpus: [1, 3], isPassive: false, rateLimiter: null }),
    ]);
    assert.deepEqual(
      inits.map(({ instanceName, deviceId }) => [instanceName, deviceId]),
      [
        ["g_0", 1],
        ["g_1", 1],
        ["g_2", 3],
        ["g_3", 3],
      ],
    );
  });

  it("puts a GPU group without GPUs on all that the backend finds", () => {
    const { inits } = plan([group("g", { kind: "KIND_GPU" })], { gpus: [0, 1, 2] });
    assert.deepEqual(
      inits.map(({ deviceId }) => deviceId),
      [0, 1, 2],
    );
  });

  it("does not count GPU instances against the cores", () => {
    const groups = [group("g", { kind: "KIND_GPU", count: 6 }), group("c", { count: 2 })];
    assert.ok(plan(groups).inits.every(({ threadCount }) => threadCount === 4));
  });

  it("warns when the instances exceed the cores, with the numbers", () => {
    assert.deepEqual(plan([group("a", { count: 3 })], { cores: 2 }).warnings, [
      "Model 'm' version 3: 3 instances × 1 threads exceed the 2 cores of this machine",
    ]);
    assert.equal(plan([group("a", { count: 2 })], { threads: 5 }).warnings.length, 1);
    assert.deepEqual(plan([group("a", { count: 2 })], { threads: 4 }).warnings, []);
  });

  it("sums up what was chosen", () => {
    assert.equal(
      plan([group("a", { count: 2 })]).summary,
      "Loading model 'm' version 3: 2 instance(s), 4 thread(s) each of 8 core(s), backend onnxruntime",
    );
  });
});
