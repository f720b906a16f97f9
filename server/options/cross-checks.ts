import { unknownBackendProblem } from "./backend-config.ts";
import { optionTable, type OptionField } from "./option-table.ts";
import { allowedPorts } from "./option-value.ts";
import { defaultMetricsConfig } from "../metrics/metrics-config.ts";
import { defaultTraceConfig, traceObstacle } from "../tracing/trace-config.ts";
import type { ServerOptions } from "./server-options.ts";

/** A service that listens, and the fields that concern it alone. */
interface Listener {
  readonly service: string;
  readonly allow: "allowHttp" | "allowGrpc" | "allowMetrics";
  readonly address: "httpAddress" | "grpcAddress" | "metricsAddress";
  readonly port: "httpPort" | "grpcPort" | "metricsPort";
  readonly others: readonly OptionField[];
}

const listeners: readonly Listener[] = [
  {
    service: "HTTP",
    allow: "allowHttp",
    address: "httpAddress",
    port: "httpPort",
    others: ["httpMaxInputSizeBytes", "httpHeaderForwardPattern", "httpRestrictedApis"],
  },
  {
    service: "gRPC",
    allow: "allowGrpc",
    address: "grpcAddress",
    port: "grpcPort",
    others: [
      "grpcHeaderForwardPattern",
      "grpcRestrictedProtocols",
      "grpcMaxResponsePoolSize",
      "grpcUseSsl",
      "grpcUseSslMutual",
      "grpcServerCertPath",
      "grpcServerKeyPath",
      "grpcRootCertPath",
      "grpcKeepaliveTimeMs",
      "grpcKeepaliveTimeoutMs",
      "grpcMaxConnectionAgeMs",
      "grpcMaxConnectionAgeGraceMs",
      "grpcInferResponseCompressionLevel",
    ],
  },
  {
    service: "metrics",
    allow: "allowMetrics",
    address: "metricsAddress",
    port: "metricsPort",
    others: ["metricsConfig"],
  },
];

const maxPort = 65_535;

/**
 * Checks what no option can check alone.
 *
 * @returns The first problem, or `null`.
 */
export function findConflict(options: ServerOptions): string | null {
  return (
    findRepositoryConflict(options) ??
    findCacheConflict(options) ??
    findListenerConflict(options) ??
    findTlsConflict(options) ??
    findBackendConflict(options) ??
    findTraceConflict(options)
  );
}

function findCacheConflict({ cacheConfig, responseCacheByteSize }: ServerOptions): string | null {
  if (cacheConfig === null || responseCacheByteSize === 0) return null;
  return "--response-cache-byte-size and --cache-config cannot both be given: the first is the old spelling of --cache-config=local,size=<bytes>";
}

function findRepositoryConflict(options: ServerOptions): string | null {
  if (options.modelRepositoryPaths.length === 0) {
    return "--model-repository is required: give the directory that holds the models";
  }
  const { loadModelNames, modelControlMode } = options;
  if (loadModelNames.length > 0 && modelControlMode !== "explicit") {
    return `--load-model needs --model-control-mode=explicit, but the mode is ${modelControlMode}`;
  }
  if (loadModelNames.length > 1 && loadModelNames.includes("*")) {
    return "--load-model=* loads all models and cannot be combined with other --load-model options";
  }
  return null;
}

function findListenerConflict(options: ServerOptions): string | null {
  const serviceByEndpoint = new Map<string, string>();
  for (const listener of listeners) {
    if (!options[listener.allow]) continue;
    const port = options[listener.port];
    if (port < 0 || port > maxPort) {
      return `Bad option: "${optionTable[listener.port].flag}" expects ${allowedPorts}, got "${port}"`;
    }
    if (port === 0) continue;
    const endpoint = `${options[listener.address]}:${port}`;
    const other = serviceByEndpoint.get(endpoint);
    if (other !== undefined) {
      return `The ${other} and ${listener.service} services cannot both listen on ${endpoint}: give them different ports or addresses`;
    }
    serviceByEndpoint.set(endpoint, listener.service);
  }
  return null;
}

function findTlsConflict(options: ServerOptions): string | null {
  const { allowGrpc, grpcUseSsl, grpcUseSslMutual } = options;
  if (!allowGrpc || !(grpcUseSsl || grpcUseSslMutual)) return null;
  const needed: OptionField[] = ["grpcServerCertPath", "grpcServerKeyPath"];
  if (grpcUseSslMutual) needed.push("grpcRootCertPath");
  const missing = needed.find((field) => options[field] === null);
  if (missing === undefined) return null;
  const user = optionTable[grpcUseSslMutual ? "grpcUseSslMutual" : "grpcUseSsl"].flag;
  return `${user} needs ${optionTable[missing].flag}: give the path of a PEM file`;
}

function findBackendConflict({ backendConfig, backendDirectoryPath }: ServerOptions): string | null {
  const problem = backendDirectoryPath === null ? unknownBackendProblem(backendConfig) : null;
  return problem === null ? null : `Bad option: "--backend-config" ${problem}`;
}

function findTraceConflict({ traceConfig }: ServerOptions): string | null {
  const obstacle = traceObstacle(traceConfig.values, traceConfig);
  if (obstacle !== null) return `Bad option: "--trace-config" asks for traces, but ${obstacle}`;
  const { maxQueueSize, maxExportBatchSize } = traceConfig.openTelemetry;
  if (traceConfig.mode !== "opentelemetry" || maxExportBatchSize <= maxQueueSize) return null;
  return `Bad option: "--trace-config" has bsp_max_export_batch_size ${maxExportBatchSize}, more than bsp_max_queue_size ${maxQueueSize}`;
}

/**
 * Finds options that were given and change nothing. Triton accepts them silently, so they are no errors, but whoever
 * wrote them expects an effect.
 *
 * @param given - The fields whose options stand on the command line.
 */
export function findOptionsWithoutEffect(
  options: ServerOptions,
  given: ReadonlySet<OptionField>,
): readonly string[] {
  const warnings: string[] = [];
  if (given.has("responseCacheByteSize")) {
    const { responseCacheByteSize } = options;
    warnings.push(
      `--response-cache-byte-size is deprecated: write --cache-config=local,size=${responseCacheByteSize}`,
    );
  }
  const warn = (field: OptionField, reason: string): void => {
    if (given.has(field)) warnings.push(`${optionTable[field].flag} has no effect: ${reason}`);
  };
  if (options.rateLimit === "off") warn("rateLimitResources", "--rate-limit is off");
  if (options.modelControlMode !== "poll") {
    warn("repositoryPollSecs", `the model control mode is ${options.modelControlMode}, not poll`);
  }
  if (options.allowGrpc) {
    if (!options.grpcUseSsl && !options.grpcUseSslMutual) {
      const reason = "gRPC is not served over TLS; --grpc-use-ssl turns it on";
      warn("grpcServerCertPath", reason);
      warn("grpcServerKeyPath", reason);
    }
    if (!options.grpcUseSslMutual) {
      warn("grpcRootCertPath", "clients are asked for a certificate only with --grpc-use-ssl-mutual");
    }
    if (options.grpcMaxConnectionAgeMs === 0) {
      warn("grpcMaxConnectionAgeGraceMs", "--grpc-max-connection-age sets no limit");
    }
  }
  warnings.push(...findUnusedQuantiles(options));
  const { mode, filePath, values, openTelemetry } = options.traceConfig;
  const { url, resource } = openTelemetry;
  const hasCollector = url !== defaultTraceConfig.openTelemetry.url || resource.length > 0;
  const hasFile = filePath !== "" || values.logFrequency !== 0;
  const other = mode === "triton" ? "opentelemetry" : "triton";
  if (mode === "triton" ? hasCollector : hasFile) {
    warnings.push(`--trace-config=${other},… has no effect: the trace mode is ${mode}`);
  }
  for (const listener of listeners) {
    if (options[listener.allow]) continue;
    for (const field of [listener.address, listener.port, ...listener.others]) {
      // The metrics listener takes over the HTTP address unless it has one of its own.
      if (field === "httpAddress" && options.allowMetrics && !given.has("metricsAddress")) continue;
      warn(field, `${optionTable[listener.allow].flag} is false`);
    }
  }
  return warnings;
}

function findUnusedQuantiles({ metricsConfig }: ServerOptions): readonly string[] {
  const { summaryLatencies, summaryQuantiles } = metricsConfig;
  if (summaryLatencies || summaryQuantiles === defaultMetricsConfig.summaryQuantiles) return [];
  return ["--metrics-config=summary_quantiles=… has no effect: summary_latencies is false"];
}
