/** Options of Triton's perf_analyzer that this release knows and refuses, with what there is instead. */
const notSupported: ReadonlyMap<string, string> = new Map<string, string>([
  ["--model-signature-name", "only --service-kind=triton is built"],
  ["--session-concurrency", "sessions are of --service-kind=openai"],
  ["--endpoint", "only --service-kind=triton is built"],
  ["--grpc-method", "only --service-kind=triton is built"],
  ["--proto", "only --service-kind=triton is built"],
  ["--triton-server-directory", "only --service-kind=triton is built"],
  ["--model-repository", "only --service-kind=triton is built"],
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
