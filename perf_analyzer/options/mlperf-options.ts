import { mlperfDefaults } from "../mlperf/server-scenario.ts";
import type { AnalyzerOptions } from "./analyzer-options.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { presenceValue, wholeValue } from "./option-value.ts";

type MlperfField = "isMlperfServer" | "mlperfMinDurationMs" | "mlperfMinQueryCount";

/** The server scenario of MLPerf Inference. */
export const mlperfOptions: { readonly [F in MlperfField]: OptionDefinition<AnalyzerOptions[F]> } = {
  isMlperfServer: {
    flag: "--mlperf-server",
    group: "MLPerf",
    value: presenceValue(true),
    doc:
      "Look for the highest Poisson rate in --request-rate-range whose --percentile (99 unless given) of latency is " +
      "within --latency-threshold, by the rules of MLPerf Inference's server scenario.",
    defaultValue: false,
    defaultText: "off",
  },
  mlperfMinDurationMs: {
    flag: "--mlperf-min-duration",
    group: "MLPerf",
    value: wholeValue(1, 86_400_000),
    doc: "Milliseconds that a run with --mlperf-server sends queries at least. Lower it to try things out.",
    defaultValue: mlperfDefaults.minDurationMs,
  },
  mlperfMinQueryCount: {
    flag: "--mlperf-min-query-count",
    group: "MLPerf",
    value: wholeValue(1, 1_000_000_000),
    doc: "Queries that a run with --mlperf-server sends at least. Fewer say less about the percentile.",
    defaultValue: mlperfDefaults.minQueryCount,
  },
};
