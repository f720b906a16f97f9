import { defaultMetricsConfig } from "../metrics/metrics-config.ts";
import { metricsConfigValue } from "./metrics-config-value.ts";
import type { OptionDefinition } from "./option-definition.ts";
import type { ServerOptions } from "./server-options.ts";

/** The option that says what the metrics show. */
export const metricsOptions = {
  metricsConfig: {
    flag: "--metrics-config",
    group: "Metrics",
    value: metricsConfigValue,
    doc: "A setting of the models' metrics: the table below lists them, docs/metrics.md explains them.",
    defaultValue: defaultMetricsConfig,
    defaultText: "counters only",
    defaultReason: "Triton's default. Counters cost next to nothing, and averages come from them.",
  },
} satisfies Partial<{ readonly [F in keyof ServerOptions]: OptionDefinition<ServerOptions[F]> }>;
