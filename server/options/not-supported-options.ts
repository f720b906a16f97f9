/**
 * Triton's options that this release does not have, so that nobody is told that an option of Triton is unknown.
 * An option that gets built moves from here to the option table.
 *
 * @see docs/options.md
 */
export const notSupportedOptions: ReadonlySet<string> = new Set([
  "--model-config-name",
  "--model-load-thread-count",
  "--model-load-retry-count",
  "--model-namespacing",
  "--enable-peer-access",
  "--reuse-http-port",
  "--http-thread-count",
  "--reuse-grpc-port",
  "--grpc-infer-thread-count",
  "--grpc-infer-allocation-pool-size",
  "--grpc-max-response-pool-size",
  "--grpc-use-ssl",
  "--grpc-use-ssl-mutual",
  "--grpc-server-cert",
  "--grpc-server-key",
  "--grpc-root-cert",
  "--grpc-infer-response-compression-level",
  "--grpc-keepalive-time",
  "--grpc-keepalive-timeout",
  "--grpc-keepalive-permit-without-calls",
  "--grpc-http2-max-pings-without-data",
  "--grpc-http2-min-recv-ping-interval-without-data",
  "--grpc-http2-max-ping-strikes",
  "--grpc-max-connection-age",
  "--grpc-max-connection-age-grace",
  "--allow-gpu-metrics",
  "--allow-cpu-metrics",
  "--metrics-interval-ms",
  "--metrics-config",
  "--trace-config",
  "--backend-directory",
  "--repoagent-directory",
  "--cache-config",
  "--cache-directory",
  "--rate-limit",
  "--rate-limit-resource",
  "--pinned-memory-pool-byte-size",
  "--cuda-memory-pool-byte-size",
  "--cuda-virtual-address-size",
  "--min-supported-compute-capability",
  "--buffer-manager-thread-count",
  "--host-policy",
  "--model-load-gpu-limit",
  "--allow-client-shm",
  "--allow-sagemaker",
  "--sagemaker-port",
  "--sagemaker-safe-port-range",
  "--sagemaker-thread-count",
  "--allow-vertex-ai",
  "--vertex-ai-port",
  "--vertex-ai-thread-count",
  "--vertex-ai-default-model",
]);

/** Options that Triton itself has retired, with what took their place. */
export const deprecatedOptions: ReadonlyMap<string, string> = new Map([
  ["--strict-model-config", "--disable-auto-complete-config"],
  ["--response-cache-byte-size", "--cache-config"],
  ["--trace-file", "--trace-config"],
  ["--trace-level", "--trace-config"],
  ["--trace-rate", "--trace-config"],
  ["--trace-count", "--trace-config"],
  ["--trace-log-frequency", "--trace-config"],
]);

/** What to answer to an option of Triton that is not built; `null` when Triton has no such option either. */
export function explainNotSupported(flag: string): string | null {
  if (notSupportedOptions.has(flag)) return `${flag} is not supported yet`;
  const replacement = deprecatedOptions.get(flag);
  if (replacement === undefined) return null;
  const state = notSupportedOptions.has(replacement) ? ", which is not supported yet" : "";
  return `${flag} is deprecated; it was replaced by ${replacement}${state}`;
}
