/**
 * Triton's options that this release does not have, so that nobody is told that an option of Triton is unknown.
 * An option that gets built moves from here to the option table.
 *
 * @see docs/options.md
 */
export const notSupportedOptions: ReadonlySet<string> = new Set([
  "--enable-peer-access",
  "--reuse-http-port",
  "--http-thread-count",
  "--reuse-grpc-port",
  "--grpc-infer-thread-count",
  "--grpc-infer-allocation-pool-size",
  "--allow-gpu-metrics",
  "--allow-cpu-metrics",
  "--metrics-interval-ms",
  "--repoagent-directory",
  "--pinned-memory-pool-byte-size",
  "--cuda-memory-pool-byte-size",
  "--cuda-virtual-address-size",
  "--min-supported-compute-capability",
  "--buffer-manager-thread-count",
  "--host-policy",
  "--model-load-gpu-limit",
  "--allow-sagemaker",
  "--sagemaker-port",
  "--sagemaker-safe-port-range",
  "--sagemaker-thread-count",
  "--allow-vertex-ai",
  "--vertex-ai-port",
  "--vertex-ai-thread-count",
  "--vertex-ai-default-model",
]);

const answersEveryPing =
  "the gRPC library answers every ping of a client and never ends a connection for them";

/** Options of Triton that cannot be built on what the server uses, with the reason. */
export const impossibleOptions: ReadonlyMap<string, string> = new Map([
  ["--cache-directory", "the cache is part of the server, and none is loaded from a directory"],
  [
    "--grpc-keepalive-permit-without-calls",
    "the gRPC library pings connections with and without calls; --grpc-keepalive-time sets how often",
  ],
  [
    "--grpc-http2-max-pings-without-data",
    "the gRPC library pings by time only; --grpc-keepalive-time sets how often",
  ],
  ["--grpc-http2-min-recv-ping-interval-without-data", answersEveryPing],
  ["--grpc-http2-max-ping-strikes", answersEveryPing],
]);

/** Options that Triton itself has retired, with what took their place. */
export const deprecatedOptions: ReadonlyMap<string, string> = new Map([
  ["--strict-model-config", "--disable-auto-complete-config"],
]);

/** What to answer to an option of Triton that is not built; `null` when Triton has no such option either. */
export function explainNotSupported(flag: string): string | null {
  if (notSupportedOptions.has(flag)) return `${flag} is not supported yet`;
  const obstacle = impossibleOptions.get(flag);
  if (obstacle !== undefined) return `${flag} is not supported: ${obstacle}`;
  const replacement = deprecatedOptions.get(flag);
  return replacement === undefined ? null : `${flag} is deprecated; it was replaced by ${replacement}`;
}
