import { renderMetrics } from "../metrics/metrics-endpoint.ts";
import type { MetricsRegistry } from "../metrics/metrics-registry.ts";
import type { HttpExchange } from "./transport/http-exchange.ts";
import type { HttpHandler } from "./transport/http-transport.ts";
import { replyError } from "./json-reply.ts";

/** Paths of the page; Prometheus is often configured with the slash. */
const paths: readonly string[] = ["/metrics", "/metrics/"];

/**
 * Serves the metrics page on a listener of its own.
 *
 * @param onBug - Told what the page's rendering threw. For the log.
 */
export function metricsHandler(metrics: MetricsRegistry, onBug: (thrown: unknown) => void): HttpHandler {
  return (method, path, exchange) => {
    if (!paths.includes(path)) replyError(exchange, "404 Not Found", "Not Found");
    else if (method !== "get") replyError(exchange, "405 Method Not Allowed", "Method Not Allowed");
    else replyPage(metrics, exchange, onBug);
  };
}

function replyPage(metrics: MetricsRegistry, exchange: HttpExchange, onBug: (thrown: unknown) => void): void {
  renderMetrics(metrics)
    .then(({ contentType, body }) => exchange.reply("", contentType, body))
    .catch((thrown: unknown) => {
      onBug(thrown);
      replyError(exchange, "500 Internal Server Error", "internal error");
    });
}
