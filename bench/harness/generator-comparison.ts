import type { CaseResult } from "./bench-case.ts";
import { coresDetail } from "./cores-detail.ts";
import { median } from "./median.ts";
import type { PerfAnalyzerResult } from "./perf-analyzer.ts";

/** What another generator reached in a round. */
interface OtherGeneratorResult {
  readonly requestsPerSecond: number;
  /** `null`: not known. */
  readonly generatorCores: number | null;
}

/** A case that sets perf_analyzer beside another generator, against the same server. */
export interface GeneratorComparison<T extends OtherGeneratorResult> {
  /** The other generator's name. */
  readonly name: string;
  /** What both count, such as `calls/s`. */
  readonly unit: string;
  /** The latency that the other one tells, in µs, and what it is called there. */
  readonly latency: { readonly label: string; us(result: T): number };
  readonly rounds: readonly { readonly server: PerfAnalyzerResult; readonly baseline: T }[];
}

/** The rates of perf_analyzer ÷ those of the other generator, with what both of them say. */
export function compareGenerators<T extends OtherGeneratorResult>({
  name,
  unit,
  latency,
  rounds,
}: GeneratorComparison<T>): CaseResult {
  const own = rounds.map((round) => round.server);
  const other = rounds.map((round) => round.baseline);
  const ratios = rounds.map(({ server, baseline }) => server.requestsPerSecond / baseline.requestsPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "perf_analyzer", value: median(own.map((r) => r.requestsPerSecond)), unit },
      { label: name, value: median(other.map((r) => r.requestsPerSecond)), unit },
      { label: "perf_analyzer p50", value: median(own.map((r) => r.p50Us)), unit: "us" },
      { label: `${name} ${latency.label}`, value: median(other.map((r) => latency.us(r))), unit: "us" },
      ...coresDetail(
        "perf_analyzer",
        own.map((r) => r.generatorCores),
      ),
      ...coresDetail(
        name,
        other.map((r) => r.generatorCores),
      ),
    ],
  };
}
