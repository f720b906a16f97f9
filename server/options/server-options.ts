import type { ApiRestriction } from "../api-restriction.ts";
import type { ResourceLimit } from "../rate-limiter/resource-pool.ts";
import type { LocalCacheConfig } from "./cache-config.ts";
import type { LogFormat } from "../logging/log-settings.ts";
import type { CloudSettings } from "../repository/cloud/cloud-settings.ts";
import type { CompressionLevel } from "../grpc/transport/response-compression.ts";
import type { MetricsConfig } from "../metrics/metrics-config.ts";
import type { TraceConfig } from "../tracing/trace-config.ts";

/** How repository changes reach the running server. */
export type ModelControlMode = "none" | "poll" | "explicit";

/** Whether instances wait for resources before they execute. */
export type RateLimitMode = "off" | "execution_count";

/** One `--backend-config` argument, checked against the table of known settings. */
export interface BackendConfigSetting {
  /** The backend it is for; `null`: every backend. */
  readonly backend: string | null;
  readonly key: string;
  readonly value: string;
}

/**
 * Everything the command line decides, complete: defaults are filled in and every value is checked. Frozen, arrays
 * included. Made by `parseOptions`; each field is documented to users by its row in `option-table.ts`.
 */
export interface ServerOptions {
  /** `name` in the server metadata. */
  readonly serverId: string;
  /** How long shutdown may take altogether. 0: nothing is waited for. */
  readonly exitTimeoutSecs: number;
  /** Clients may register shared memory of this machine. */
  readonly allowClientShm: boolean;

  /** Verbose records of this level and below are written; 0: none. */
  readonly logVerboseLevel: number;
  readonly logInfo: boolean;
  readonly logWarning: boolean;
  readonly logError: boolean;
  readonly logFormat: LogFormat;
  /** Appended to; `null`: stderr. */
  readonly logFilePath: string | null;
  /** Messages are quoted and escaped as JSON strings. From the environment, not from the command line. */
  readonly escapeLogMessages: boolean;

  /** At least one, in the order given: directories, and valid addresses in the cloud. */
  readonly modelRepositoryPaths: readonly string[];
  /** How those in the cloud are read. From the environment, not from the command line. */
  readonly cloudSettings: CloudSettings;
  readonly modelControlMode: ModelControlMode;
  /** Used in mode `poll` only. At least 1. */
  readonly repositoryPollSecs: number;
  /** Models that load at the same time. At least 1. */
  readonly modelLoadThreadCount: number;
  /** How often a failed load is tried again. */
  readonly modelLoadRetryCount: number;
  /** Configs are `configs/<this>.json` where that exists; "": always the usual file. */
  readonly modelConfigName: string;
  /** Models are told apart by their repositories. */
  readonly modelNamespacing: boolean;
  /** Mode `explicit` only; `["*"]`: all models. Empty: none. */
  readonly loadModelNames: readonly string[];
  readonly exitOnError: boolean;
  readonly strictReadiness: boolean;
  readonly autoCompleteConfig: boolean;
  readonly backendConfig: readonly BackendConfigSetting[];
  /** Where backends and schedulers of somebody else's are; `null`: there are none. */
  readonly backendDirectoryPath: string | null;

  /** `null`: responses are not cached. */
  readonly cacheConfig: LocalCacheConfig | null;
  /** The old spelling of {@link cacheConfig}, which holds it too; 0: not given. */
  readonly responseCacheByteSize: number;

  readonly rateLimit: RateLimitMode;
  /** Mode `execution_count` only. Of those for one resource and device the last one counts. */
  readonly rateLimitResources: readonly ResourceLimit[];

  readonly allowHttp: boolean;
  readonly httpAddress: string;
  /** 0: any free port. The ports of enabled listeners are in range; those of disabled ones are not checked. */
  readonly httpPort: number;
  readonly httpMaxInputSizeBytes: number;
  /** A valid pattern, see `compileHeaderPattern`; "": no header is forwarded. */
  readonly httpHeaderForwardPattern: string;
  readonly httpRestrictedApis: readonly ApiRestriction[];
  readonly allowGrpc: boolean;
  readonly grpcAddress: string;
  /** 0: any free port. */
  readonly grpcPort: number;
  /** As {@link httpHeaderForwardPattern}, for metadata. */
  readonly grpcHeaderForwardPattern: string;
  readonly grpcRestrictedProtocols: readonly ApiRestriction[];
  /** Most unwritten responses of one request on a stream. At least 1. */
  readonly grpcMaxResponsePoolSize: number;
  readonly grpcUseSsl: boolean;
  /** Implies TLS, whatever {@link grpcUseSsl} says. */
  readonly grpcUseSslMutual: boolean;
  /** There when gRPC is served over TLS, as is the key. */
  readonly grpcServerCertPath: string | null;
  readonly grpcServerKeyPath: string | null;
  /** There when gRPC is served over mutual TLS. */
  readonly grpcRootCertPath: string | null;
  readonly grpcKeepaliveTimeMs: number;
  readonly grpcKeepaliveTimeoutMs: number;
  /** 0: no limit. */
  readonly grpcMaxConnectionAgeMs: number;
  /** 0: no limit. */
  readonly grpcMaxConnectionAgeGraceMs: number;
  readonly grpcInferResponseCompressionLevel: CompressionLevel;
  readonly allowMetrics: boolean;
  readonly metricsAddress: string;
  /** 0: any free port. */
  readonly metricsPort: number;
  readonly metricsConfig: MetricsConfig;

  readonly traceConfig: TraceConfig;
}
