import type { CandidateSettings } from "../../../tune/candidate-settings.ts";
import type { Measurement } from "../../../tune/measurement.ts";
import type { TuneSubject } from "../../../tune/tune-subject.ts";

/** The settings that tests begin with. */
export const currentSettings: CandidateSettings = {
  instanceCount: 1,
  threadCount: 2,
  maxBatchSize: 8,
  queueDelayUs: 0,
};

/** A model that everything can be tuned of. */
export const subject: TuneSubject = {
  name: "m",
  directory: "models/m",
  configFile: null,
  configText: null,
  fields: { backend: "onnxruntime", max_batch_size: 8 },
  current: currentSettings,
  obstacles: { instanceCount: null, threadCount: null, maxBatchSize: null, queueDelayUs: null },
};

/** 1,000 inferences a second at 10 ms, or what is said otherwise. */
export function measurementOf(overrides: Partial<Measurement> = {}): Measurement {
  return {
    concurrency: 32,
    throughput: 1_000,
    averageMs: 10,
    p50Ms: 10,
    p90Ms: 10,
    p95Ms: 10,
    p99Ms: 10,
    memoryMb: 100,
    isStable: true,
    ...overrides,
  };
}
