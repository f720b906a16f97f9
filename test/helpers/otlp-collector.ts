import http from "node:http";
import type { AddressInfo } from "node:net";

/** A span as OTLP/JSON carries it, as far as tests look at it. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
}

/** A key with a value of one of several types. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** An OpenTelemetry collector for tests: it takes OTLP/JSON over HTTP and keeps it. */
export class OtlpCollector {
  readonly spans: OtlpSpan[] = [];
  readonly resource: OtlpAttribute[] = [];
  readonly paths: string[] = [];
  /** Answered to each export. */
  status = 200;
  readonly #server: http.Server;

  private constructor() {
    this.#server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.paths.push(request.url ?? "");
        if (this.status === 200) this.#keep(JSON.parse(Buffer.concat(chunks).toString()) as OtlpBody);
        response.writeHead(this.status, { "content-type": "application/json" }).end("{}");
      });
    });
  }

  static async start(): Promise<OtlpCollector> {
    const collector = new OtlpCollector();
    await new Promise<void>((resolve) => collector.#server.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/custom/traces`;
  }

  /** The only span of that name. @throws Error when there is none, or more than one. */
  span(name: string): OtlpSpan {
    const [found, ...more] = this.spans.filter((span) => span.name === name);
    if (found === undefined || more.length > 0) {
      throw new Error(`expected one span ${name} of ${this.spans.map((span) => span.name).join()}`);
    }
    return found;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #keep({ resourceSpans }: OtlpBody): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resource.push(...resource.attributes);
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
  }
}
