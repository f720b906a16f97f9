/** Options of Triton's perf_analyzer that this release knows and refuses, with what there is instead. */
const notSupported: ReadonlyMap<string, string> = new Map<string, string>([
  ["--bls-composing-models", "statistics are read for the model and the steps of an ensemble"],
  ["--model-signature-name", "only --service-kind=triton is built"],
  ["--periodic-concurrency-range", "use --concurrency-range"],
  ["--request-period", "use --concurrency-range"],
  ["--session-concurrency", "only --service-kind=triton is built"],
  ["--fixed-schedule", "use --request-intervals"],
  ["--serial-sequences", "sequences run side by side"],
  ["--shared-memory", "tensors are sent inside the requests"],
  ["--output-shared-memory-size", "tensors are sent inside the responses"],
  ["--streaming", "gRPC requests are unary calls"],
  ["--endpoint", "only --service-kind=triton is built"],
  ["--grpc-method", "only --service-kind=triton is built"],
  ["--proto", "only --service-kind=triton is built"],
  ["--triton-server-directory", "only --service-kind=triton is built"],
  ["--model-repository", "only --service-kind=triton is built"],
  ["--collect-metrics", "read the server's /metrics beside the run"],
  ["--metrics-url", "read the server's /metrics beside the run"],
  ["--metrics-interval", "read the server's /metrics beside the run"],
  ["--trace-level", "set the server's trace settings"],
  ["--trace-rate", "set the server's trace settings"],
  ["--trace-count", "set the server's trace settings"],
  ["--log-frequency", "set the server's trace settings"],
  ["--enable-mpi", "start one process after the other"],
]);

/** Triton's deprecated spellings, and what to write. */
const deprecated: ReadonlyMap<string, string> = new Map<string, string>([
  ["-c", "--concurrency-range with an end"],
  ["-d", "--concurrency-range with --latency-threshold"],
  ["-t", "--concurrency-range"],
  ["-z", "--input-data=zero"],
  ["--data-directory", "--input-data"],
]);

/** Service kinds of Triton's perf_analyzer. */
const otherServiceKinds: readonly string[] = [
  "triton_c_api",
  "tfserving",
  "torchserve",
  "openai",
  "dynamic_grpc",
  "in_process",
];

/** Why a known option is refused, or `null` when nobody knows the flag. */
export function explainRefused(flag: string): string | null {
  const instead = notSupported.get(flag);
  if (instead !== undefined) return `${flag} is not supported yet: ${instead}`;
  const replacement = deprecated.get(flag);
  return replacement === undefined ? null : `${flag} is deprecated and not supported: write ${replacement}`;
}

/** Why a known service kind is refused, or `null` when nobody knows it. */
export function explainRefusedKind(kind: string): string | null {
  return otherServiceKinds.includes(kind)
    ? `--service-kind=${kind} is not supported yet: triton measures every server of the KServe v2 protocol`
    : null;
}

/** All flags that are refused. */
export const refusedFlags: readonly string[] = [...notSupported.keys(), ...deprecated.keys()];
