import { arrayOf, type JsonObject, numberOf, objectOf, textOf } from "./json-access.ts";

/** How often something happened, and how long it took in all. */
export interface DurationTotal {
  readonly count: number;
  readonly ns: number;
}

/** The names of the durations in the statistics extension. */
export const durationNames = [
  "success",
  "fail",
  "queue",
  "compute_input",
  "compute_infer",
  "compute_output",
  "cache_hit",
  "cache_miss",
] as const;
export type DurationName = (typeof durationNames)[number];

/** The counters of one version of a model since it was loaded. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  readonly inferenceCount: number;
  readonly executionCount: number;
  readonly durations: Readonly<Record<DurationName, DurationTotal>>;
}

/** Reads the answer of the statistics extension. */
export function readModelStatistics(answer: JsonObject): readonly ModelStatistics[] {
  return arrayOf(answer["model_stats"]).map((each) => {
    const model = objectOf(each);
    const stats = objectOf(model["inference_stats"]);
    const total = (name: DurationName): DurationTotal => {
      const duration = objectOf(stats[name]);
      return { count: numberOf(duration["count"]), ns: numberOf(duration["ns"]) };
    };
    return {
      name: textOf(model["name"]),
      version: textOf(model["version"]),
      inferenceCount: numberOf(model["inference_count"]),
      executionCount: numberOf(model["execution_count"]),
      durations: {
        success: total("success"),
        fail: total("fail"),
        queue: total("queue"),
        compute_input: total("compute_input"),
        compute_infer: total("compute_infer"),
        compute_output: total("compute_output"),
        cache_hit: total("cache_hit"),
        cache_miss: total("cache_miss"),
      },
    };
  });
}
