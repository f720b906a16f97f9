/** What tuning changes in a model's configuration. */
export interface CandidateSettings {
  readonly instanceCount: number;
  /** Threads inside an operator, for each instance. `null`: the backend has no such setting. */
  readonly threadCount: number | null;
  /** 0: the model does not batch. */
  readonly maxBatchSize: number;
  /** `null`: the model has no dynamic batcher. */
  readonly queueDelayUs: number | null;
}

/** A text that is the same for the same settings only. */
export function settingsKey(settings: CandidateSettings): string {
  const { instanceCount, threadCount, maxBatchSize, queueDelayUs } = settings;
  return [instanceCount, threadCount, maxBatchSize, queueDelayUs].join("/");
}

/** The settings in words: `2 instances × 1 thread, batch 16, delay 500 µs`. */
export function describeSettings(settings: CandidateSettings): string {
  const { instanceCount, threadCount, maxBatchSize, queueDelayUs } = settings;
  const threads = threadCount === null ? "" : ` × ${countOf(threadCount, "thread")}`;
  return [
    `${countOf(instanceCount, "instance")}${threads}`,
    ...(maxBatchSize === 0 ? [] : [`batch ${maxBatchSize}`]),
    ...(queueDelayUs === null ? [] : [`delay ${queueDelayUs} µs`]),
  ].join(", ");
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
