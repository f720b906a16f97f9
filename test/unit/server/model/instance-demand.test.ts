import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ModelInstanceInit } from "../../../../backends/backend.ts";
import type { InstanceGroup } from "../../../../server/model-config/model-config.ts";
import { demandOf } from "../../../../server/model/instance-demand.ts";
import { makeModelConfig } from "../../../helpers/model-config.ts";

function init(instanceName: string, deviceId = -1): ModelInstanceInit {
  const base = {
    modelName: "m",
    modelVersion: "1",
    modelPath: "",
    kind: "KIND_CPU",
    threadCount: 1,
  } as const;
  return { ...base, instanceName, deviceId, options: null };
}

describe("demandOf", () => {
  const group = (name: string, priority: number): InstanceGroup => ({
    name,
    kind: "KIND_CPU",
    count: 2,
    gpus: [],
    isPassive: false,
    rateLimiter:
      priority === 0 ? null : { priority, resources: [{ name: "R", isGlobal: false, count: priority }] },
  });
  const config = makeModelConfig({ instanceGroup: [group("m", 1), group("m_0", 2), group("m_0_1", 0)] });

  it("finds the instance's group by its name", () => {
    assert.equal(demandOf(init("m_0"), config).priority, 1);
    assert.equal(demandOf(init("m_0_1"), config).priority, 2);
    assert.deepEqual(demandOf(init("m_0_1_0"), config), { resources: [], priority: 1, deviceId: 0 });
  });

  it("counts the CPU as device 0", () => {
    assert.equal(demandOf(init("m_0"), config).deviceId, 0);
    assert.equal(demandOf(init("m_0", 3), config).deviceId, 3);
  });
});
