import type { AnalyzerOptions } from "./analyzer-options.ts";
import { loadModeOptions } from "./load-mode-options.ts";
import { observationOptions } from "./observation-options.ts";
import type { LevelRange } from "./option-value.ts";
import { findServiceConflict } from "./service-checks.ts";

/** The load levels that a command line asks for. */
export function levelRangeOf(options: AnalyzerOptions): LevelRange {
  return options.requestRateRange ?? options.concurrencyRange ?? { start: 1, end: 1, step: 1 };
}

/** What does not fit together in a command line, or `null`. */
export function findConflict(options: AnalyzerOptions): string | null {
  return (
    findServiceConflict(options) ??
    findLoadConflict(options) ??
    findCountConflict(options) ??
    findModeConflict(options) ??
    findRequestConflict(options) ??
    findReportConflict(options)
  );
}

function findLoadConflict(options: AnalyzerOptions): string | null {
  const modes = [
    options.concurrencyRange === null ? null : "--concurrency-range",
    options.requestRateRange === null ? null : "--request-rate-range",
    options.requestIntervals === null ? null : "--request-intervals",
    options.periodicConcurrencyRange === null ? null : "--periodic-concurrency-range",
    options.isFixedSchedule ? "--fixed-schedule" : null,
  ].filter((flag) => flag !== null);
  if (modes.length > 1) return `Give only one of ${modes.join(" and ")}: a run has one kind of load`;
  const range = levelRangeOf(options);
  if (range.end === 0 && options.latencyThresholdMs === 0) {
    return "A range with the end 0 needs --latency-threshold: nothing else would end it";
  }
  if (options.isBinarySearch) {
    if (!hasLevels(options)) return `--binary-search needs a range of levels, not ${modes.join("")}`;
    if (range.end === 0 || options.latencyThresholdMs === 0) {
      return "--binary-search needs a range with an end, and --latency-threshold above 0";
    }
  }
  return null;
}

/** Whether there may be several levels. */
function hasLevels(options: AnalyzerOptions): boolean {
  return (
    options.requestIntervals === null && options.periodicConcurrencyRange === null && !options.isFixedSchedule
  );
}

function findCountConflict(options: AnalyzerOptions): string | null {
  const range = levelRangeOf(options);
  const given =
    options.requestCount > 0
      ? "--request-count"
      : options.warmupRequestCount > 0
        ? "--warmup-request-count"
        : null;
  if (given === null) return null;
  if (options.periodicConcurrencyRange !== null) {
    return `${given} does not go with --periodic-concurrency-range, whose end is the count of requests`;
  }
  if (options.isFixedSchedule) {
    return options.requestCount === 0
      ? null
      : "--request-count does not go with --fixed-schedule, which sends each entry of --input-data once";
  }
  if (range.start !== range.end) return `${given} needs a single load level, such as --concurrency-range=4`;
  if (options.requestCount > 0 && options.requestIntervals === null && options.requestCount < range.start) {
    return `--request-count must not be below the load level ${range.start}, got ${options.requestCount}`;
  }
  return null;
}

function findModeConflict(options: AnalyzerOptions): string | null {
  const { periodicConcurrencyRange: periodic } = options;
  if (periodic !== null) {
    if (periodic.end === 0) return "--periodic-concurrency-range needs an end above 0: the count of requests";
    if (!options.isStreaming) return "--periodic-concurrency-range needs -i grpc --streaming";
    if (options.profileExportFile === null) {
      return "--periodic-concurrency-range needs --profile-export-file: the times of the responses are its result";
    }
  } else if (options.requestPeriod !== loadModeOptions.requestPeriod.defaultValue) {
    return "--request-period needs --periodic-concurrency-range";
  }
  if (options.isFixedSchedule) {
    if (
      options.inputData.length === 0 ||
      options.inputData.some((each) => each === "random" || each === "zero")
    ) {
      return "--fixed-schedule needs the JSON files of --input-data: the times are in them";
    }
    if (options.batchSize > 1) return "--fixed-schedule sends entries one by one: give -b 1";
  }
  if (options.isStreaming) {
    if (options.protocol !== "grpc" && options.serviceKind !== "openai") return "--streaming needs -i grpc";
    if (options.isAsync === false) return "--streaming is asynchronous: leave --sync out";
  }
  if (options.sharedMemory !== "none") {
    if (options.inputTensorFormat === "json" || options.outputTensorFormat === "json") {
      return "--shared-memory needs the binary tensor format";
    }
  } else if (options.outputSharedMemoryBytes !== loadModeOptions.outputSharedMemoryBytes.defaultValue) {
    return "--output-shared-memory-size needs --shared-memory=system";
  }
  return null;
}

function findRequestConflict(options: AnalyzerOptions): string | null {
  const files = options.inputData.filter((each) => each === "random" || each === "zero");
  if (options.inputData.length > 1 && files.length > 0) {
    return "--input-data is given several times only for JSON files";
  }
  if (options.protocol === "http") {
    if (options.grpcCompression !== "none") return "--grpc-compression-algorithm needs -i grpc";
    if (options.requestParameters.length > 0) return "--request-parameter needs -i grpc";
    if (options.isGrpcTls) return "--ssl-grpc-use-ssl needs -i grpc; for HTTP write -u https://<host>:<port>";
  } else {
    if (options.inputTensorFormat === "json" || options.outputTensorFormat === "json") {
      return "--input-tensor-format and --output-tensor-format need -i http: gRPC tensors are binary";
    }
    if (/^https?:/.test(options.url ?? "")) {
      return "-u takes <host>:<port> for gRPC; TLS is --ssl-grpc-use-ssl";
    }
  }
  if ((options.grpcPrivateKey === null) !== (options.grpcCertificateChain === null)) {
    return "--ssl-grpc-private-key-file and --ssl-grpc-certificate-chain-file need each other";
  }
  if ((options.httpsPrivateKey === null) !== (options.httpsClientCertificate === null)) {
    return "--ssl-https-private-key-file and --ssl-https-client-certificate-file need each other";
  }
  return null;
}

function findReportConflict(options: AnalyzerOptions): string | null {
  if (options.isVerboseCsv && options.csvFile === null) return "--verbose-csv needs -f <file>";
  if (options.collectsMetrics) return null;
  if (options.metricsUrl !== null) return "--metrics-url needs --collect-metrics";
  return options.metricsIntervalMs === observationOptions.metricsIntervalMs.defaultValue
    ? null
    : "--metrics-interval needs --collect-metrics";
}
