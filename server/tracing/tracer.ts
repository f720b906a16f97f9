import type { Clock } from "../core/clock.ts";
import type { Failure } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import { FileTraceSink } from "./file-trace-sink.ts";
import { InferenceTrace, type TraceContext, type TraceSubject } from "./inference-trace.ts";
import { parseRemoteParent } from "./remote-parent.ts";
import { RequestArrival, SampledRequest, type TracedProtocol, type TraceSink } from "./sampled-request.ts";
import { parseTraceChange, type SentTraceSetting } from "./trace-change.ts";
import type { TraceConfig } from "./trace-config.ts";
import { TraceSettings, type TraceSettingsReport } from "./trace-settings.ts";

/** What a {@link Tracer} is made of. */
export interface TracerParts {
  readonly config: TraceConfig;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Decides which requests are traced, and hands complete traces to where they go.
 *
 * @remarks
 * A front end asks {@link isActive} for each request, and nothing more unless some setting traces: then it makes an
 * {@link arrive | arrival} when the request begins, and {@link sample}s when the model is known.
 */
export class Tracer implements TraceContext {
  readonly #config: TraceConfig;
  readonly #settings: TraceSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #sink: TraceSink | null = null;
  #lastId = 0;
  #isActive = false;

  constructor({ config, logger, clock }: TracerParts) {
    this.#config = config;
    this.#settings = new TraceSettings(config);
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * Begins to trace, as the settings say.
   *
   * @param sink - Where traces go; as the mode says when it is absent.
   */
  async open(sink?: TraceSink): Promise<void> {
    this.#sink = sink ?? (await this.#makeSink());
    this.#refresh();
  }

  /** Some request may be traced. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /**
   * Notes that a request begins to arrive. To be called while {@link isActive}.
   *
   * @param header - Value of a header or metadata key, "" for none. Not kept.
   */
  arrive(protocol: TracedProtocol, header: (lowerCaseName: string) => string): RequestArrival {
    const parent =
      this.#config.mode === "opentelemetry"
        ? parseRemoteParent(header("traceparent"), header("tracestate"))
        : null;
    return new RequestArrival(protocol, parent, this.#clock);
  }

  /**
   * Decides on a request of a model that is there. Each request is to be asked for once: this is what is counted.
   *
   * @returns `null`: it is not traced. Otherwise whoever asked must end it.
   */
  sample(subject: TraceSubject, arrival: RequestArrival): SampledRequest | null {
    const setting = this.#settings.of(subject.modelName);
    const sink = this.#sink;
    if (sink === null || !setting.sample(arrival.parent !== null)) return null;
    // It may have been the last one.
    if (!setting.isSampling) this.#refresh();
    arrival.markRead();
    const trace = new InferenceTrace(this, setting.values.level, subject);
    return new SampledRequest({ setting, trace, arrival, clock: this.#clock, sink });
  }

  /** The settings of a model, or the global ones for "". */
  settings(modelName: string): TraceSettingsReport {
    return this.#settings.report(modelName);
  }

  /** Changes settings, all or none. @returns The settings after it, or why nothing was changed. */
  changeSettings(modelName: string, sent: readonly SentTraceSetting[]): TraceSettingsReport | Failure {
    const change = parseTraceChange(sent, this.#config, (message) => this.#logger.warning(message));
    if ("code" in change) return change;
    const refusal = this.#settings.change(modelName, change);
    if (refusal !== null) return refusal;
    this.#refresh();
    return this.#settings.report(modelName);
  }

  /**
   * Traces nothing more and writes what is left.
   *
   * @param budgetMs - How long that may take.
   * @returns Resolves when all is written, or the time is over.
   */
  async close(budgetMs: number): Promise<void> {
    const sink = this.#sink;
    this.#sink = null;
    this.#isActive = false;
    if (sink === null) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), budgetMs)));
    const isClosed = await Promise.race([sink.close().then(() => true), timeout]);
    clearTimeout(timer);
    if (!isClosed) this.#logger.error("Traces could not be written before the exit timeout expired");
  }

  nowUs(): number {
    return this.#clock.nowUs();
  }

  nextId(): number {
    return ++this.#lastId;
  }

  #refresh(): void {
    this.#isActive = this.#sink !== null && this.#settings.canTrace();
  }

  async #makeSink(): Promise<TraceSink> {
    const { mode, filePath, openTelemetry } = this.#config;
    if (mode === "triton") return new FileTraceSink(filePath, this.#logger);
    // Servers that trace into files, or not at all, start faster without it.
    const { OpenTelemetrySink } = await import("./open-telemetry-sink.ts");
    return new OpenTelemetrySink(openTelemetry, this.#clock, this.#logger);
  }
}
