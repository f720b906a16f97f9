import { Registry } from "prom-client";
import type { ResponseCache } from "../cache/response-cache.ts";
import { registerFamily } from "./collected-family.ts";
import { HostMetrics } from "./host-metrics.ts";
import { latencyFamilies } from "./latency-families.ts";
import { cacheFamilies, hostFamilies, modelFamilies } from "./metric-families.ts";
import { defaultMetricsConfig, type MetricsConfig } from "./metrics-config.ts";
import { ModelMetrics, type ModelRegistration } from "./model-metrics.ts";

/**
 * The metrics of one server.
 *
 * @remarks Nothing is counted here: the models' statistics are plain numbers, read when the page is rendered.
 * @see docs/metrics.md
 */
export class MetricsRegistry {
  readonly #registry = new Registry();
  readonly #models = new ModelMetrics();
  readonly #host: HostMetrics;

  constructor(config: MetricsConfig = defaultMetricsConfig, host: HostMetrics = new HostMetrics()) {
    this.#host = host;
    for (const family of modelFamilies) {
      if (family.isLatency && !config.counterLatencies) continue;
      registerFamily(this.#registry, { ...family, collect: () => this.#models.collect(family) });
    }
    for (const family of hostFamilies) {
      registerFamily(this.#registry, {
        ...family,
        collect: () => [{ suffix: "", labels: {}, value: family.read(this.#host.sample) }],
      });
    }
  }

  /** Takes the reading that the first page's utilization is measured from. Without it, that is since the machine's start. */
  async initialize(): Promise<void> {
    await this.#host.refresh();
  }

  /** See {@link ModelMetrics.register}. */
  registerModel(model: ModelRegistration): () => void {
    return this.#models.register(model);
  }

  /** Shows the families of the server's response cache. Call at most once. */
  registerCache(cache: Pick<ResponseCache, "counters">): void {
    for (const family of cacheFamilies) {
      registerFamily(this.#registry, {
        ...family,
        collect: () => [{ suffix: "", labels: {}, value: family.read(cache.counters) }],
      });
    }
  }

  /** Renders the page in Prometheus' text format 0.0.4. */
  async render(): Promise<string> {
    await this.#host.refresh();
    const page = await this.#registry.metrics();
    const distributions = await this.#renderDistributions();
    return distributions === "" ? page : `${page}\n${distributions}`;
  }

  /** The families of distributions that have something to show; "" when none has. */
  async #renderDistributions(): Promise<string> {
    const shown = new Registry();
    let isEmpty = true;
    for (const family of latencyFamilies) {
      const series = this.#models.collect(family);
      if (series.length === 0) continue;
      registerFamily(shown, { ...family, collect: () => series });
      isEmpty = false;
    }
    return isEmpty ? "" : await shown.metrics();
  }
}
