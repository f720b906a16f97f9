import { type LatencySummary, summarizeLatencies } from "./latency-summary.ts";
import type { RequestRecord } from "./load-manager/request-records.ts";

/** When the tokens of streamed completions came. A token is an event that holds some of the answer. */
export interface TokenSummary {
  /** From the moment when each request should have been sent. */
  readonly firstToken: LatencySummary;
  /** The average time between two tokens of a request, over the requests with two or more. */
  readonly interToken: LatencySummary;
  readonly tokenCount: number;
  readonly tokensPerSecond: number;
  readonly tokensPerRequest: number;
}

/** @returns `null` when no completion was streamed. */
export function summarizeTokens(records: readonly RequestRecord[], durationUs: number): TokenSummary | null {
  // Only streamed completions have this.
  const streamed = records.filter(({ lastResponseUs }) => lastResponseUs > 0);
  if (streamed.length === 0) return null;
  const tokenCount = streamed.reduce((sum, { responseCount }) => sum + responseCount, 0);
  return {
    firstToken: summarizeLatencies(
      streamed.map(({ firstResponseUs, intendedUs }) => firstResponseUs - intendedUs),
      null,
    ),
    interToken: summarizeLatencies(
      streamed
        .filter(({ responseCount }) => responseCount > 1)
        .map(
          ({ firstResponseUs, lastResponseUs, responseCount }) =>
            (lastResponseUs - firstResponseUs) / (responseCount - 1),
        ),
      null,
    ),
    tokenCount,
    tokensPerSecond: durationUs === 0 ? 0 : (tokenCount * 1e6) / durationUs,
    tokensPerRequest: tokenCount / streamed.length,
  };
}
