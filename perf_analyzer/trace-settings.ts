import type { TraceSettings } from "./client-backend/server-client.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";

/**
 * The trace settings that the options ask for, or `null` when they ask for none. What is not given has the default of
 * Triton's tool.
 *
 * @see contract §9.1, Trace
 */
export function traceSettingsOf(
  options: Pick<AnalyzerOptions, "traceLevels" | "traceRate" | "traceCount" | "traceLogFrequency">,
): TraceSettings | null {
  const { traceLevels, traceRate, traceCount, traceLogFrequency } = options;
  const isAsked =
    traceLevels.length > 0 || traceRate !== null || traceCount !== null || traceLogFrequency !== null;
  if (!isAsked) return null;
  return {
    trace_level: traceLevels.length > 0 ? traceLevels : ["OFF"],
    trace_rate: [String(traceRate ?? 1_000)],
    trace_count: [String(traceCount ?? -1)],
    log_frequency: [String(traceLogFrequency ?? 0)],
  };
}
