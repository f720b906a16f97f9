import { optionTable, type OptionField } from "./option-table.ts";
import { allowedPorts } from "./option-value.ts";
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
      "grpcUseSsl",
      "grpcUseSslMutual",
      "grpcServerCertPath",
      "grpcServerKeyPath",
      "grpcRootCertPath",
      "grpcKeepaliveTimeMs",
      "grpcKeepaliveTimeoutMs",
      "grpcMaxConnectionAgeMs",
      "grpcMaxConnectionAgeGraceMs",
    ],
  },
  { service: "metrics", allow: "allowMetrics", address: "metricsAddress", port: "metricsPort", others: [] },
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
    findTlsConflict(options)
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
