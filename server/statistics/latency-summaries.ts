import type { InferenceRequest } from "../core/inference-request.ts";
import { LatencySummary } from "./latency-summary.ts";
import type { QuantileTarget } from "./quantile-sketch.ts";

/** How the parts of a model's latencies are distributed. There only when the server was asked for summaries. */
export class LatencySummaries {
  readonly targets: readonly QuantileTarget[];
  /** Not of cached models: the time of a miss's insertion comes after the request's end. */
  readonly request: LatencySummary;
  readonly queue: LatencySummary;
  readonly computeInput: LatencySummary;
  readonly computeInfer: LatencySummary;
  readonly computeOutput: LatencySummary;
  readonly cacheHit: LatencySummary;
  readonly cacheMiss: LatencySummary;
  readonly #nowUs: () => number;

  /** @param nowUs - Tells monotonic µs. */
  constructor(targets: readonly QuantileTarget[], nowUs: () => number) {
    const startUs = nowUs();
    this.targets = targets;
    this.request = new LatencySummary(targets, startUs);
    this.queue = new LatencySummary(targets, startUs);
    this.computeInput = new LatencySummary(targets, startUs);
    this.computeInfer = new LatencySummary(targets, startUs);
    this.computeOutput = new LatencySummary(targets, startUs);
    this.cacheHit = new LatencySummary(targets, startUs);
    this.cacheMiss = new LatencySummary(targets, startUs);
    this.#nowUs = nowUs;
  }

  /** A request was executed and answered with a response. @param endUs - When it ended. */
  onExecuted(request: InferenceRequest, endUs: number): void {
    this.request.observe(endUs - request.requestStartUs, endUs);
    this.queue.observe(request.computeStartUs - request.queueStartUs, endUs);
    this.computeInput.observe(request.computeInputEndUs - request.computeStartUs, endUs);
    this.computeInfer.observe(request.computeOutputStartUs - request.computeInputEndUs, endUs);
    this.computeOutput.observe(request.computeEndUs - request.computeOutputStartUs, endUs);
  }

  /** A request was answered without an execution of its own. */
  onCacheHit(request: InferenceRequest, endUs: number): void {
    this.queue.observe(request.computeStartUs - request.queueStartUs, endUs);
    this.cacheHit.observe(request.cacheHitUs, endUs);
  }

  /** @param us - Time of the look-up and of the insertion. */
  onCacheMiss(us: number): void {
    this.cacheMiss.observe(us, this.#nowUs());
  }

  /** The quantiles of one of the summaries, as of now. See {@link LatencySummary.quantilesUs}. */
  quantilesUs(summary: LatencySummary): number[] {
    return summary.quantilesUs(this.#nowUs());
  }
}
