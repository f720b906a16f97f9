/** Options of Triton's perf_analyzer that this release knows and refuses, with what there is instead. */
const notSupported: ReadonlyMap<string, string> = new Map<string, string>([
  ["--session-concurrency", "use --concurrency-range"],
  ["--grpc-method", "gRPC calls are those of the service kinds triton and tfserving"],
  ["--proto", "gRPC calls are those of the service kinds triton and tfserving"],
  ["--triton-server-directory", "the embedded server is Nereid itself: leave it out"],
  ["--report-html", "use -f or --profile-export-file"],
  ["--mlperf-server", "use --request-rate-range with --request-distribution=poisson and --binary-search"],
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

/** Why a known option is refused, or `null` when nobody knows the flag. */
export function explainRefused(flag: string): string | null {
  const instead = notSupported.get(flag);
  if (instead !== undefined) return `${flag} is not supported yet: ${instead}`;
  const replacement = deprecated.get(flag);
  return replacement === undefined ? null : `${flag} is deprecated and not supported: write ${replacement}`;
}

/** Why a known service kind is refused, or `null` when nobody knows it. */
export function explainRefusedKind(kind: string): string | null {
  return kind === "dynamic_grpc"
    ? "--service-kind=dynamic_grpc is not supported yet: the kinds with gRPC are triton and tfserving"
    : null;
}

/** All flags that are refused. */
export const refusedFlags: readonly string[] = [...notSupported.keys(), ...deprecated.keys()];
