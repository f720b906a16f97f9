import type { ModelInstanceInit } from "../../backends/backend.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import type { InstanceDemand } from "../rate-limiter/rate-limiter.ts";

/** What an instance of the model needs of the rate limiter, by its group's `rate_limiter`. */
export function demandOf(init: ModelInstanceInit, config: ModelConfig): InstanceDemand {
  // Instances are named `<group>_<i>`, and groups have different names.
  const groupName = init.instanceName.replace(/_\d+$/, "");
  const group = config.instanceGroup.find(({ name }) => name === groupName);
  return {
    resources: group?.rateLimiter?.resources ?? [],
    priority: group?.rateLimiter?.priority ?? 1,
    // Triton's number for the CPU, which operators write in --rate-limit-resource.
    deviceId: Math.max(0, init.deviceId),
  };
}
