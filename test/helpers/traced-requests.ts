import type { SampledRequest, TraceSink } from "../../server/tracing/sampled-request.ts";
import { defaultTraceConfig, type TraceConfig, type TraceValues } from "../../server/tracing/trace-config.ts";
import { traceLevel } from "../../server/tracing/trace-level.ts";
import { Tracer } from "../../server/tracing/tracer.ts";
import { LogRecorder } from "./log-recorder.ts";
import { ManualClock } from "./manual-clock.ts";

/** A sink that keeps what it was given. */
export class RecordingTraceSink implements TraceSink {
  readonly sampled: SampledRequest[] = [];
  isClosed = false;

  submit(sampled: SampledRequest): void {
    this.sampled.push(sampled);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** Timestamps of every request into a file, unless told otherwise. */
export function traceConfig(
  values: Partial<TraceValues> = {},
  rest: Partial<Omit<TraceConfig, "values">> = {},
): TraceConfig {
  return {
    ...defaultTraceConfig,
    filePath: "trace.json",
    values: { level: traceLevel.timestamps, rate: 1, count: -1, logFrequency: 0, ...values },
    ...rest,
  };
}

/** A tracer whose traces can be looked at, under virtual time. */
export class TracerBench {
  readonly clock: ManualClock;
  readonly log = new LogRecorder();
  readonly sink = new RecordingTraceSink();
  readonly tracer: Tracer;

  private constructor(config: TraceConfig, clock: ManualClock) {
    this.clock = clock;
    this.tracer = new Tracer({ config, logger: this.log.logger, clock });
  }

  static async open(config: TraceConfig = traceConfig(), clock = new ManualClock()): Promise<TracerBench> {
    const bench = new TracerBench(config, clock);
    await bench.tracer.open(bench.sink);
    return bench;
  }

  /** Sends a request's beginning. @returns `null`: it is not sampled. */
  sample(
    modelName = "m",
    headers: Readonly<Record<string, string>> = {},
    requestId = "",
  ): SampledRequest | null {
    const arrival = this.tracer.arrive("http", (name) => headers[name] ?? "");
    return this.tracer.sample({ modelName, modelVersion: "1", requestId }, arrival);
  }

  /** Of so many requests, the numbers (from 1) of those that are sampled. */
  sampledOf(count: number, modelName = "m"): number[] {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    return numbers.filter(() => this.sample(modelName) !== null);
  }
}

/** A sampled request that has been answered, for sinks. @param configure - Does what happens to it. */
export async function tracedRequest(
  configure: (sampled: SampledRequest, clock: ManualClock) => void = () => undefined,
  options: {
    readonly config?: TraceConfig;
    readonly requestId?: string;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<SampledRequest> {
  const bench = await TracerBench.open(options.config);
  const sampled = bench.sample("m", options.headers, options.requestId);
  if (sampled === null) throw new Error("the request was not sampled");
  configure(sampled, bench.clock);
  return sampled;
}
