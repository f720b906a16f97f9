import type { MetricsRegistry } from "./metrics-registry.ts";

/** What `GET /metrics` answers with. */
export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/**
 * Prometheus' text format 0.0.4, which is what a scraper assumes when no version is given. Triton sends exactly this.
 */
const contentType = "text/plain; charset=utf-8";

/** Renders the metrics page. Knows nothing of the listener that sends it. */
export async function renderMetrics(registry: MetricsRegistry): Promise<MetricsPage> {
  return { contentType, body: await registry.render() };
}
