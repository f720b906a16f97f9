import type { LevelRange } from "./option-value.ts";

/** The dimensions of an input, given with `--shape`. Without the batch dimension. */
export interface ShapeOption {
  readonly name: string;
  readonly dims: readonly number[];
}

/** A header of every request. */
export interface HeaderOption {
  readonly name: string;
  readonly value: string;
}

/** A parameter of every request. 64-bit integers need the bigint. */
export interface RequestParameter {
  readonly name: string;
  readonly value: boolean | bigint | string;
}

/** Correlation ids from `start`; `end`, which is excluded, is `null` for no end. */
export interface SequenceIdRange {
  readonly start: number;
  readonly end: number | null;
}

/** The kinds of servers that can be measured. `triton_c_api` is Triton's word for `in_process`. */
export const serviceKinds = [
  "triton",
  "tfserving",
  "torchserve",
  "openai",
  "in_process",
  "triton_c_api",
] as const;
export type ServiceKind = (typeof serviceKinds)[number];

/** A model whose statistics are reported beside the measured one's. */
export interface ComposingModelOption {
  readonly name: string;
  /** "" for the server's choice. */
  readonly version: string;
}

/** What the server's trace holds. */
export type TraceLevel = "OFF" | "TIMESTAMPS" | "TENSORS";

/** A complete command line. */
export interface AnalyzerOptions {
  readonly modelName: string;
  /** "" for the server's choice. */
  readonly modelVersion: string;
  readonly serviceKind: ServiceKind;
  /** The signature of a TensorFlow model. */
  readonly modelSignatureName: string;
  readonly verbosity: number;
  readonly blsComposingModels: readonly ComposingModelOption[];

  readonly measurementMode: "time_windows" | "count_windows";
  readonly measurementIntervalMs: number;
  readonly measurementRequestCount: number;
  readonly stabilityPercentage: number;
  /** `null`: the average latency decides. */
  readonly percentile: number | null;
  readonly maxTrials: number;
  readonly warmupRequestCount: number;
  /** 0: measure windows until they are stable. */
  readonly requestCount: number;

  readonly concurrencyRange: LevelRange | null;
  readonly requestRateRange: LevelRange | null;
  readonly requestDistribution: "constant" | "poisson";
  /** A file of intervals in µs, one a line. */
  readonly requestIntervals: string | null;
  /** The end counts requests, not levels. */
  readonly periodicConcurrencyRange: LevelRange | null;
  readonly requestPeriod: number;
  readonly isFixedSchedule: boolean;
  /** 0: none. */
  readonly latencyThresholdMs: number;
  readonly isBinarySearch: boolean;
  readonly maxThreads: number | null;
  readonly randomSeed: number;

  readonly sequenceCount: number;
  readonly sequenceLength: number;
  readonly sequenceLengthVariation: number;
  readonly sequenceIdRange: SequenceIdRange;
  readonly isSerialSequences: boolean;

  /** `random`, `zero`, one directory, or JSON files. */
  readonly inputData: readonly string[];
  readonly batchSize: number;
  readonly shapes: readonly ShapeOption[];
  /** `null`: random strings. */
  readonly stringData: string | null;
  readonly stringLength: number;
  readonly inputTensorFormat: "binary" | "json";
  readonly outputTensorFormat: "binary" | "json";
  readonly sharedMemory: "none" | "system";
  /** For each row of an output of unknown size. */
  readonly outputSharedMemoryBytes: number;

  readonly protocol: "http" | "grpc";
  readonly isAsync: boolean | null;
  readonly isStreaming: boolean;
  readonly headers: readonly HeaderOption[];
  readonly grpcCompression: "none" | "gzip" | "deflate";
  readonly requestParameters: readonly RequestParameter[];

  /** `null`: the default port of the kind of server and the protocol, on this machine. */
  readonly url: string | null;
  /** The path of an OpenAI server that requests go to, without a slash before it. */
  readonly endpoint: string | null;
  /** Of the embedded server. */
  readonly modelRepository: string | null;
  readonly isGrpcTls: boolean;
  readonly grpcRootCertificates: string | null;
  readonly grpcPrivateKey: string | null;
  readonly grpcCertificateChain: string | null;
  readonly isHttpsPeerVerified: boolean;
  /** 0: any host name in the certificate will do. */
  readonly httpsVerifyHost: number;
  readonly httpsCaCertificates: string | null;
  readonly httpsClientCertificate: string | null;
  readonly httpsClientCertificateType: "PEM" | "DER";
  readonly httpsPrivateKey: string | null;
  readonly httpsPrivateKeyType: "PEM" | "DER";

  readonly collectsMetrics: boolean;
  /** `null`: the default port on the server's host. */
  readonly metricsUrl: string | null;
  readonly metricsIntervalMs: number;
  /** Empty, and the others `null`: the server's trace settings are left alone. */
  readonly traceLevels: readonly TraceLevel[];
  readonly traceRate: number | null;
  /** -1: no limit. */
  readonly traceCount: number | null;
  readonly traceLogFrequency: number | null;

  readonly csvFile: string | null;
  readonly isVerboseCsv: boolean;
  readonly profileExportFile: string | null;
}
