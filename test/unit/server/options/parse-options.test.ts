import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { defaultCloudSettings } from "../../../../server/repository/cloud/cloud-settings.ts";
import { defaultMetricsConfig } from "../../../../server/metrics/metrics-config.ts";
import { parseOptions } from "../../../../server/options/parse-options.ts";
import { defaultTraceConfig } from "../../../../server/tracing/trace-config.ts";
import { traceLevel } from "../../../../server/tracing/trace-level.ts";
import type { ServerOptions } from "../../../../server/options/server-options.ts";

const repository = "--model-repository=models";

function serve(...argv: string[]): ServerOptions {
  const result = parseOptions([repository, ...argv], {});
  assert(result.kind === "serve", JSON.stringify(result));
  return result.options;
}

function refuse(...argv: string[]): string {
  const result = parseOptions([repository, ...argv], {});
  assert(result.kind === "error", JSON.stringify(result));
  return result.message;
}

describe("parseOptions", () => {
  it("parseOptions fills in every default", () => {
    assert.deepEqual(serve(), {
      serverId: "nereid",
      exitTimeoutSecs: 30,
      allowClientShm: false,
      logVerboseLevel: 0,
      logInfo: true,
      logWarning: true,
      logError: true,
      logFormat: "default",
      logFilePath: null,
      escapeLogMessages: true,
      modelRepositoryPaths: ["models"],
      cloudSettings: defaultCloudSettings,
      modelControlMode: "none",
      repositoryPollSecs: 15,
      modelLoadThreadCount: 4,
      modelLoadRetryCount: 0,
      modelConfigName: "",
      modelNamespacing: false,
      loadModelNames: [],
      exitOnError: true,
      strictReadiness: true,
      autoCompleteConfig: true,
      backendConfig: [],
      cacheConfig: null,
      responseCacheByteSize: 0,
      rateLimit: "off",
      rateLimitResources: [],
      backendDirectoryPath: null,
      allowHttp: true,
      httpAddress: "0.0.0.0",
      httpPort: 8000,
      httpMaxInputSizeBytes: 64 * 1024 * 1024,
      httpHeaderForwardPattern: "",
      httpRestrictedApis: [],
      allowGrpc: true,
      grpcAddress: "0.0.0.0",
      grpcPort: 8001,
      grpcHeaderForwardPattern: "",
      grpcRestrictedProtocols: [],
      grpcMaxResponsePoolSize: 64,
      grpcUseSsl: false,
      grpcUseSslMutual: false,
      grpcServerCertPath: null,
      grpcServerKeyPath: null,
      grpcRootCertPath: null,
      grpcKeepaliveTimeMs: 7_200_000,
      grpcKeepaliveTimeoutMs: 20_000,
      grpcMaxConnectionAgeMs: 0,
      grpcMaxConnectionAgeGraceMs: 0,
      grpcInferResponseCompressionLevel: "none",
      allowMetrics: true,
      metricsAddress: "0.0.0.0",
      metricsPort: 8002,
      metricsConfig: defaultMetricsConfig,
      traceConfig: defaultTraceConfig,
    });
  });

  it("parseOptions reads every option into its field", () => {
    const options = serve(
      "--id=a",
      "--exit-timeout-secs=0",
      "--log-verbose=2",
      "--log-info=false",
      "--log-warning=false",
      "--log-error=false",
      "--log-format=ISO8601",
      "--log-file=x.log",
      "--model-store=more",
      "--model-control-mode=explicit",
      "--load-model=m",
      "--load-model=n",
      "--exit-on-error=false",
      "--strict-readiness=false",
      "--disable-auto-complete-config",
      "--backend-config=onnxruntime,intra_op_thread_count=2",
      "--backend-config=default-max-batch-size=8",
      "--rate-limit=execution_count",
      "--rate-limit-resource=R:3:1",
      "--cache-config=local,size=11",
      "--backend-directory=b",
      "--allow-client-shm=true",
      "--allow-http=false",
      "--allow-grpc=false",
      "--allow-metrics=false",
      "--http-address=1.1.1.1",
      "--http-port=1",
      "--http-max-input-size=10",
      "--http-header-forward-pattern=^x-",
      "--http-restricted-api=health:key=value",
      "--grpc-address=2.2.2.2",
      "--grpc-port=2",
      "--grpc-header-forward-pattern=(?-i)y",
      "--grpc-restricted-protocol=trace:key=value",
      "--grpc-use-ssl=true",
      "--grpc-use-ssl-mutual=true",
      "--grpc-server-cert=c.pem",
      "--grpc-max-response-pool-size=9",
      "--grpc-server-key=k.pem",
      "--grpc-root-cert=r.pem",
      "--grpc-keepalive-time=5",
      "--grpc-keepalive-timeout=6",
      "--grpc-max-connection-age=7",
      "--grpc-max-connection-age-grace=8",
      "--grpc-infer-response-compression-level=Medium",
      "--metrics-address=3.3.3.3",
      "--metrics-port=3",
      "--metrics-config=summary_latencies=true",
      "--metrics-config=summary_quantiles=0.5:0.1,0.25:0.2",
      "--repository-poll-secs=4",
      "--model-load-thread-count=6",
      "--model-load-retry-count=2",
      "--model-config-name=h100",
      "--model-namespacing=true",
      "--trace-config=level=TENSORS",
      "--trace-config=rate=5",
      "--trace-config=triton,file=t=1.json",
    );
    assert.deepEqual(options, {
      serverId: "a",
      exitTimeoutSecs: 0,
      allowClientShm: true,
      logVerboseLevel: 2,
      logInfo: false,
      logWarning: false,
      logError: false,
      logFormat: "ISO8601",
      logFilePath: "x.log",
      escapeLogMessages: true,
      modelRepositoryPaths: ["models", "more"],
      cloudSettings: defaultCloudSettings,
      modelControlMode: "explicit",
      repositoryPollSecs: 4,
      modelLoadThreadCount: 6,
      modelLoadRetryCount: 2,
      modelConfigName: "h100",
      modelNamespacing: true,
      cacheConfig: { name: "local", sizeBytes: 11 },
      rateLimit: "execution_count",
      rateLimitResources: [{ name: "R", count: 3, deviceId: 1 }],
      responseCacheByteSize: 0,
      loadModelNames: ["m", "n"],
      exitOnError: false,
      strictReadiness: false,
      autoCompleteConfig: false,
      backendConfig: [
        { backend: "onnxruntime", key: "intra_op_thread_count", value: "2" },
        { backend: null, key: "default-max-batch-size", value: "8" },
      ],
      backendDirectoryPath: "b",
      allowHttp: false,
      httpAddress: "1.1.1.1",
      httpPort: 1,
      httpMaxInputSizeBytes: 10,
      httpHeaderForwardPattern: "^x-",
      httpRestrictedApis: [{ categories: ["health"], key: "key", value: "value" }],
      allowGrpc: false,
      grpcAddress: "2.2.2.2",
      grpcPort: 2,
      grpcHeaderForwardPattern: "(?-i)y",
      grpcRestrictedProtocols: [{ categories: ["trace"], key: "key", value: "value" }],
      grpcMaxResponsePoolSize: 9,
      grpcUseSsl: true,
      grpcUseSslMutual: true,
      grpcServerCertPath: "c.pem",
      grpcServerKeyPath: "k.pem",
      grpcRootCertPath: "r.pem",
      grpcKeepaliveTimeMs: 5,
      grpcKeepaliveTimeoutMs: 6,
      grpcMaxConnectionAgeMs: 7,
      grpcMaxConnectionAgeGraceMs: 8,
      grpcInferResponseCompressionLevel: "medium",
      allowMetrics: false,
      metricsAddress: "3.3.3.3",
      metricsPort: 3,
      metricsConfig: {
        counterLatencies: true,
        summaryLatencies: true,
        histogramLatencies: false,
        summaryQuantiles: [
          { quantile: 0.5, error: 0.1 },
          { quantile: 0.25, error: 0.2 },
        ],
      },
      traceConfig: {
        ...defaultTraceConfig,
        values: { level: traceLevel.tensors, rate: 5, count: -1, logFrequency: 0 },
        filePath: "t=1.json",
      },
    });
  });

  it("parseOptions takes the value from the next argument too", () => {
    assert.equal(serve("--http-port", "9000", "--id", "b").httpPort, 9000);
    assert.equal(serve("--http-port", "9000", "--id", "b").serverId, "b");
  });

  it("parseOptions keeps equals signs in a value", () => {
    assert.equal(serve("--id=a=b").serverId, "a=b");
    assert.equal(serve("--id", "a=b").serverId, "a=b");
  });

  it("parseOptions takes a value that begins with dashes after an equals sign only", () => {
    assert.equal(serve("--id=--x").serverId, "--x");
    assert.match(refuse("--id", "--log-info=1"), /^Bad option: "--id" expects .*, but no value follows$/);
  });

  it("parseOptions lets the last of repeated single values win", () => {
    assert.equal(serve("--http-port=1", "--http-port=2").httpPort, 2);
  });

  it("parseOptions uses the HTTP address for metrics unless told otherwise", () => {
    assert.equal(serve("--http-address=127.0.0.1").metricsAddress, "127.0.0.1");
    assert.equal(serve("--metrics-address=::1", "--http-address=127.0.0.1").metricsAddress, "::1");
  });

  it("parseOptions returns frozen options and leaves its defaults alone", () => {
    const options = serve("--load-model=m", "--model-control-mode=explicit");
    assert(Object.isFrozen(options));
    assert(Object.isFrozen(options.modelRepositoryPaths));
    assert(Object.isFrozen(options.loadModelNames));
    assert(Object.isFrozen(options.backendConfig));
    assert.deepEqual(serve().loadModelNames, []);
    assert.deepEqual(serve().modelRepositoryPaths, ["models"]);
  });

  it("parseOptions does not change the arguments it is given", () => {
    const argv = [repository, "--id", "x"];
    parseOptions(argv, {});
    assert.deepEqual(argv, [repository, "--id", "x"]);
  });

  it("parseOptions reads log escaping from the environment", () => {
    const name = "TRITON_SERVER_ESCAPE_LOG_MESSAGES";
    const off = parseOptions([repository], { [name]: "0" });
    const on = parseOptions([repository], { [name]: "1" });
    assert(off.kind === "serve" && on.kind === "serve");
    assert.equal(off.options.escapeLogMessages, false);
    assert.equal(on.options.escapeLogMessages, true);
    const bad = parseOptions([repository], { [name]: "perhaps" });
    assert(bad.kind === "error");
    assert.match(bad.message, /TRITON_SERVER_ESCAPE_LOG_MESSAGES expects true, .*, got "perhaps"$/);
  });

  it("parseOptions stops at --help and --version", () => {
    assert.deepEqual(parseOptions(["--help", "--nonsense"], {}), { kind: "help" });
    assert.deepEqual(parseOptions(["--id=x", "--version"], {}), { kind: "version" });
    assert.equal(parseOptions(["--nonsense", "--help"], {}).kind, "error");
  });
});

describe("parseOptions, tracing", () => {
  it("parseOptions reads Triton's older trace options, with a warning each", () => {
    const argv = ["--trace-file=t", "--trace-level", "TIMESTAMPS", "--trace-rate=2", "--trace-count=3"];
    const result = parseOptions([repository, ...argv, "--trace-log-frequency=4"], {});
    assert(result.kind === "serve");
    assert.deepEqual(result.options.traceConfig, {
      ...defaultTraceConfig,
      values: { level: traceLevel.timestamps, rate: 2, count: 3, logFrequency: 4 },
      filePath: "t",
    });
    assert.equal(result.warnings.length, 5);
    assert.equal(result.warnings[0], "--trace-file is deprecated: write --trace-config=triton,file=<value>");
    assert.equal(
      refuse("--trace-rate=x"),
      'Bad option: "--trace-rate" expects an integer from 0 to 4294967295 for rate, got "x"',
    );
  });

  it("parseOptions takes the batch processor's defaults from the environment", () => {
    const env = {
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
      OTEL_BSP_SCHEDULE_DELAY: "",
    };
    const argv = [repository, "--trace-config=mode=opentelemetry"];
    const result = parseOptions([...argv, "--trace-config=opentelemetry,bsp_max_queue_size=50"], env);
    assert(result.kind === "serve");
    const { maxQueueSize, maxExportBatchSize, scheduleDelayMs } = result.options.traceConfig.openTelemetry;
    assert.deepEqual([maxQueueSize, maxExportBatchSize, scheduleDelayMs], [50, 10, 5000]);
  });

  it("parseOptions refuses a malformed variable of the environment in mode opentelemetry only", () => {
    const env = { OTEL_BSP_SCHEDULE_DELAY: "soon" };
    assert.equal(parseOptions([repository], env).kind, "serve");
    const result = parseOptions([repository, "--trace-config=mode=opentelemetry"], env);
    assert(result.kind === "error");
    assert.match(
      result.message,
      /^Environment variable OTEL_BSP_SCHEDULE_DELAY expects an integer .* got "soon"$/,
    );
  });
});

describe("parseOptions, mistakes", () => {
  const cases: [string, string[], string][] = [
    ["names the nearest option", ["--http-prt=1"], 'Unknown option "--http-prt", did you mean --http-port?'],
    [
      "completes an abbreviation",
      ["--model-repo", "x"],
      'Unknown option "--model-repo", did you mean --model-repository?',
    ],
    ["takes a shared beginning for no abbreviation", ["--log"], 'Unknown option "--log"'],
    ["completes nothing from bare dashes", ["--"], 'Unknown option "--"'],
    [
      "suggests two dashes for one",
      ["-http-port=1"],
      'Unknown option "-http-port", did you mean --http-port?',
    ],
    ["suggests nothing far-fetched", ["--frobnicate"], 'Unknown option "--frobnicate"'],
    [
      "refuses a stray argument",
      ["models"],
      'Unexpected argument "models": options are written --flag value or --flag=value',
    ],
    [
      "refuses a value where none belongs",
      ["--disable-auto-complete-config=true"],
      'Bad option: "--disable-auto-complete-config" takes no value, got "true"',
    ],
    ["refuses a value for --help", ["--help=x"], 'Bad option: "--help" takes no value, got "x"'],
    [
      "refuses a missing value",
      ["--exit-timeout-secs"],
      'Bad option: "--exit-timeout-secs" expects an integer from 0 to 2147483, but no value follows',
    ],
    [
      "refuses a malformed value",
      ["--exit-timeout-secs", "1s"],
      'Bad option: "--exit-timeout-secs" expects an integer from 0 to 2147483, got "1s"',
    ],
    [
      "names the alias that was used",
      ["--model-store="],
      'Bad option: "--model-store" expects a value that is not empty, got ""',
    ],
    [
      "refuses what Triton has and this release has not",
      ["--pinned-memory-pool-byte-size", "1"],
      "--pinned-memory-pool-byte-size is not supported yet",
    ],
  ];
  for (const [behaviour, argv, message] of cases) {
    it(`parseOptions ${behaviour}`, () => {
      assert.equal(refuse(...argv), message);
    });
  }

  it("parseOptions requires a model repository", () => {
    const result = parseOptions([], {});
    assert(result.kind === "error");
    assert.match(result.message, /^--model-repository is required/);
  });

  it("parseOptions takes addresses in the cloud for repositories", () => {
    const paths = [
      "s3://bucket/models",
      "s3://localhost:9000/bucket",
      "gs://bucket",
      "as://account/container",
      "models",
    ];
    const parsed = parseOptions(
      paths.map((path) => `--model-repository=${path}`),
      {},
    );
    assert.ok(parsed.kind === "serve");
    assert.deepEqual(parsed.options.modelRepositoryPaths, paths);
  });

  it("parseOptions says what an address in the cloud looks like", () => {
    for (const [path, form] of [
      [
        "s3://localhost:9000",
        "s3://<bucket>/<path>, s3://<host>:<port>/<bucket>/<path> or s3://https://<host>:<port>/<bucket>/<path>",
      ],
      ["gs://", "gs://<bucket>/<path>"],
      ["as://account", "as://<account>/<container>/<path>"],
    ]) {
      const parsed = parseOptions([`--model-repository=${path}`], {});
      assert.ok(parsed.kind === "error");
      assert.equal(parsed.message, `Bad option: "--model-repository" expects ${form}, got "${path}"`);
    }
  });
});
