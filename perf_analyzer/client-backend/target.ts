import { PerfError } from "../exit-code.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import { grpcTlsSettings, httpsSettings, type TlsSettings } from "./tls-settings.ts";

/** Where the server listens. Can be sent to a thread. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Before every path of HTTP, without a slash at its end. */
  readonly pathPrefix: string;
  readonly tls: TlsSettings | null;
}

/** Where the kinds of servers listen unless they are told otherwise. OpenAI's protocol has no port of its own. */
const defaultPorts: Readonly<
  Record<AnalyzerOptions["serviceKind"], { readonly http: number; readonly grpc: number }>
> = {
  triton: { http: 8000, grpc: 8001 },
  tfserving: { http: 8501, grpc: 8500 },
  torchserve: { http: 8080, grpc: 7070 },
  openai: { http: 8000, grpc: 8001 },
  in_process: { http: 8000, grpc: 8001 },
  triton_c_api: { http: 8000, grpc: 8001 },
};

/** @throws PerfError when `-u` is not an address. */
export function targetOf(options: AnalyzerOptions): Target {
  const text = options.url ?? "localhost";
  const scheme = /^(https?):\/\//.exec(text)?.[1] ?? "http";
  let url: URL;
  try {
    url = new URL(`http://${text.replace(/^https?:\/\//, "")}`);
  } catch {
    throw new PerfError(`-u expects <host>:<port>, got ${JSON.stringify(text)}`);
  }
  // URL drops a port of 80, as it is HTTP's own.
  const isPort80 = /:80(?:\/|$)/.test(text.replace(/^https?:\/\//, ""));
  const port =
    url.port !== "" ? Number(url.port) : isPort80 ? 80 : defaultPorts[options.serviceKind][options.protocol];
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    pathPrefix: url.pathname.replace(/\/+$/, ""),
    tls:
      options.protocol === "grpc"
        ? options.isGrpcTls
          ? grpcTlsSettings(options)
          : null
        : scheme === "https"
          ? httpsSettings(options)
          : null,
  };
}

/** As a Host header and messages write it. */
export function authorityOf({ host, port }: Target): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

const defaultMetricsPort = 8002;

/** Where the server's metrics are. @see contract §9.1, --metrics-url */
export function metricsUrlOf(options: AnalyzerOptions): string {
  const { metricsUrl } = options;
  if (metricsUrl === null) {
    return `http://${authorityOf({ ...targetOf(options), port: defaultMetricsPort })}/metrics`;
  }
  return /^https?:\/\//.test(metricsUrl) ? metricsUrl : `http://${metricsUrl}`;
}
