import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Logger } from "../logging/logger.ts";

/** The result that the library's exporters give; its package has no public name for it. */
type ExportResult = Parameters<Parameters<SpanExporter["export"]>[1]>[0];

/** Says in the server's log when spans cannot be exported, once until it works again. */
export class ReportingExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #url: string;
  readonly #logger: Logger;
  #hasFailed = false;

  constructor(exporter: SpanExporter, url: string, logger: Logger) {
    this.#exporter = exporter;
    this.#url = url;
    this.#logger = logger;
  }

  export(spans: ReadableSpan[], onResult: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#report(result);
      onResult(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  #report({ error, code }: ExportResult): void {
    // The library's enumeration is not part of its public packages; 0 is success.
    const number: number = code;
    const isFailed = number !== 0;
    if (isFailed && !this.#hasFailed) {
      const reason = error === undefined ? "no reason was given" : error.message;
      this.#logger.error(`Spans could not be sent to ${this.#url} and are lost: ${reason}`);
    } else if (!isFailed && this.#hasFailed) {
      this.#logger.info(`Spans reach ${this.#url} again`);
    }
    this.#hasFailed = isFailed;
  }
}
