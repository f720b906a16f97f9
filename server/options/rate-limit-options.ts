import type { OptionDefinition } from "./option-definition.ts";
import { choiceValue } from "./option-value.ts";
import { rateLimitResourceValue } from "./rate-limit-resource.ts";
import type { RateLimitMode, ServerOptions } from "./server-options.ts";

/** The options of the rate limiter. */
export const rateLimitOptions = {
  rateLimit: {
    flag: "--rate-limit",
    group: "Rate limiter",
    value: choiceValue<RateLimitMode>(["off", "execution_count"]),
    doc:
      "Whether instances execute only while they hold the resources that their group's `rate_limiter` names. off: " +
      "whenever they have work. execution_count: of those that wait, the one with the fewest executions × priority goes first.",
    defaultValue: "off",
    defaultReason:
      "Holding back an instance pays only where models compete for something that the server does not see.",
  },
  rateLimitResources: {
    flag: "--rate-limit-resource",
    group: "Rate limiter",
    value: rateLimitResourceValue,
    doc:
      "How much of a resource there is, on one device or, without a device, on every one; for a global resource, " +
      "altogether. The CPU is device 0. Letter case does not matter. Give the option once for each resource and device.",
    defaultValue: [],
    defaultText: "as much as the most demanding instance needs",
    defaultReason: "Every instance can run then, and of the most demanding ones only one at a time.",
  },
} satisfies Partial<{ readonly [F in keyof ServerOptions]: OptionDefinition<ServerOptions[F]> }>;
