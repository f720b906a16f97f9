import {
  type Attributes,
  type Context,
  createTraceState,
  type HrTime,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace as traceApi,
  type Tracer as SpanMaker,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../logging/logger.ts";
import { wallClockUs } from "../logging/wall-clock.ts";
import type { InferenceTrace, TraceTimestamp } from "./inference-trace.ts";
import type { RemoteParent } from "./remote-parent.ts";
import { ReportingExporter } from "./reporting-exporter.ts";
import type { SampledRequest, TraceSink } from "./sampled-request.ts";
import type { OpenTelemetryConfig } from "./trace-config.ts";

/** `service.name` unless the configuration has one: Triton's, which dashboards for Triton look for. */
const defaultServiceName = "triton-inference-server";

/** Turns the monotonic clock's µs into the wall clock's. */
type ToWallTime = (timeUs: number) => HrTime;

/** What the spans of one request have in common. */
interface SpanScope {
  readonly context: Context;
  readonly toWallTime: ToWallTime;
}

/**
 * Sends traces to an OpenTelemetry collector.
 *
 * @remarks The spans of a request are made when it is over, from the times that were noted.
 */
export class OpenTelemetrySink implements TraceSink {
  readonly #provider: BasicTracerProvider;
  readonly #spans: SpanMaker;
  readonly #clock: Clock;
  readonly #logger: Logger;

  /** @param exporter - Over OTLP/HTTP to the configured URL when absent. */
  constructor(config: OpenTelemetryConfig, clock: Clock, logger: Logger, exporter?: SpanExporter) {
    const { url, maxQueueSize, scheduleDelayMs: scheduledDelayMillis, maxExportBatchSize } = config;
    const reporting = new ReportingExporter(exporter ?? new OTLPTraceExporter({ url }), url, logger);
    const resource = { "service.name": defaultServiceName, ...Object.fromEntries(config.resource) };
    this.#provider = new BasicTracerProvider({
      resource: defaultResource().merge(resourceFromAttributes(resource)),
      // Whether a request is traced has been decided before.
      sampler: new AlwaysOnSampler(),
      spanProcessors: [
        new BatchSpanProcessor(reporting, { maxQueueSize, scheduledDelayMillis, maxExportBatchSize }),
      ],
    });
    this.#spans = this.#provider.getTracer(defaultServiceName);
    this.#clock = clock;
    this.#logger = logger;
  }

  submit(sampled: SampledRequest): void {
    const { arrival, trace, transportTimestamps } = sampled;
    const offsetUs = wallClockUs() - this.#clock.nowUs();
    const toWallTime: ToWallTime = (timeUs) => toHrTime(timeUs + offsetUs);
    const parent = arrival.parent === null ? ROOT_CONTEXT : contextOf(arrival.parent);
    const isQueued = trace.timestamps.length > 0;
    const root = this.#spans.startSpan(
      "InferRequest",
      {
        kind: SpanKind.SERVER,
        startTime: toWallTime(arrival.startUs),
        // A request that was refused has no other span.
        attributes: isQueued ? {} : attributesOf(trace),
      },
      parent,
    );
    for (const { name, timeUs } of transportTimestamps) root.addEvent(name, toWallTime(timeUs));
    if (isQueued) this.#addModelSpan(trace, { context: traceApi.setSpan(parent, root), toWallTime });
    root.end(toWallTime(sampled.endUs));
  }

  async close(): Promise<void> {
    try {
      await this.#provider.shutdown();
    } catch (thrown) {
      this.#logger.error("The last spans could not be sent", thrown);
    }
  }

  /** Makes the span of a request to one model, and inside it those of its computation and of what it caused. */
  #addModelSpan(trace: InferenceTrace, { context, toWallTime }: SpanScope): void {
    const computation = trace.timestamps.filter(({ name }) => name.startsWith("COMPUTE_"));
    const others = trace.timestamps.filter(({ name }) => !name.startsWith("COMPUTE_"));
    const scope = { context, toWallTime };
    const modelContext = this.#addSpan(trace.subject.modelName, others, scope, trace);
    const inside = { context: modelContext, toWallTime };
    if (computation.length > 0) this.#addSpan("compute", computation, inside, null);
    for (const child of trace.children) {
      if (child.timestamps.length > 0) this.#addModelSpan(child, inside);
    }
  }

  /** Makes a span from its first to its last event. @returns The context for spans inside it. */
  #addSpan(
    name: string,
    events: readonly TraceTimestamp[],
    { context, toWallTime }: SpanScope,
    subject: InferenceTrace | null,
  ): Context {
    const startTime = toWallTime(events[0]?.timeUs ?? 0);
    const attributes = subject === null ? {} : attributesOf(subject);
    const span = this.#spans.startSpan(name, { startTime, attributes }, context);
    for (const event of events) span.addEvent(event.name, toWallTime(event.timeUs));
    const cause = subject?.failure ?? null;
    if (cause !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: cause.message });
    span.end(toWallTime(events.at(-1)?.timeUs ?? 0));
    return traceApi.setSpan(context, span);
  }
}

function attributesOf({ id, parentId, subject }: InferenceTrace): Attributes {
  return {
    "triton.model_name": subject.modelName,
    "triton.model_version": Number(subject.modelVersion),
    "triton.trace_id": id,
    ...(subject.requestId === "" ? {} : { "triton.request_id": subject.requestId }),
    ...(parentId === 0 ? {} : { "triton.trace_parent_id": parentId }),
  };
}

function contextOf({ traceId, spanId, traceFlags, traceState }: RemoteParent): Context {
  return traceApi.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags,
    isRemote: true,
    ...(traceState === "" ? {} : { traceState: createTraceState(traceState) }),
  });
}

/** Seconds and nanoseconds: a number of nanoseconds since 1970 has more digits than a double. */
function toHrTime(timeUs: number): HrTime {
  const seconds = Math.floor(timeUs / 1e6);
  return [seconds, Math.min(Math.round((timeUs - seconds * 1e6) * 1e3), 999_999_999)];
}
