import { apiCategories } from "../api-restriction.ts";
import { apiRestrictionValue } from "./api-restriction-value.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { headerPatternValue } from "./header-pattern-value.ts";
import { booleanValue, integerValue, portValue, textValue } from "./option-value.ts";
import type { ServerOptions } from "./server-options.ts";

const anyAddress = "0.0.0.0";
const anyAddressReason =
  "Triton's default: reachable from everywhere. Use 127.0.0.1 to keep it on this machine.";
const onReason = "Triton's default: every service is on.";

/** Node 20 cannot allocate a longer buffer, and a request body is one buffer. */
const maxBodyBytes = 4_294_967_296;

const categoryList = apiCategories.map((category) => `\`${category}\``).join(", ");

/** The options of the three listeners. */
export const listenerOptions = {
  allowHttp: {
    flag: "--allow-http",
    group: "HTTP",
    value: booleanValue,
    doc: "Serve HTTP.",
    defaultValue: true,
    defaultReason: onReason,
  },
  httpAddress: {
    flag: "--http-address",
    group: "HTTP",
    value: textValue("<address>"),
    doc: "Address that the HTTP listener binds to.",
    defaultValue: anyAddress,
    defaultReason: anyAddressReason,
  },
  httpPort: {
    flag: "--http-port",
    group: "HTTP",
    value: portValue,
    doc: "Port of the HTTP listener; 0 takes any free one.",
    defaultValue: 8000,
    defaultReason: "Triton's default, which its clients assume.",
  },
  httpMaxInputSizeBytes: {
    flag: "--http-max-input-size",
    group: "HTTP",
    value: integerValue(1, maxBodyBytes),
    unit: "bytes",
    doc:
      "Largest HTTP request body; longer ones are refused. Raise it for larger tensors, lower it where memory is " +
      "short, since each open request may hold this much.",
    defaultValue: 67_108_864,
    defaultReason: "Triton's default, 64 MiB: room for some 16 million FP32 values.",
  },
  httpHeaderForwardPattern: {
    flag: "--http-header-forward-pattern",
    group: "HTTP",
    value: headerPatternValue,
    doc:
      "Regular expression; request headers whose names match become string parameters of the inference request. It " +
      "matches anywhere in a name, in any letter case unless it begins with `(?-i)`; names are compared in lower case.",
    defaultValue: "",
    defaultText: "none",
    defaultReason: "A header is nobody's parameter unless the operator says so.",
  },
  httpRestrictedApis: {
    flag: "--http-restricted-api",
    group: "HTTP",
    value: apiRestrictionValue("api"),
    doc:
      `Answer 403 to requests of these categories that lack the header \`<key>: <value>\`. Categories: ${categoryList}. ` +
      "A category may be in one restriction only. The value travels in clear text unless something encrypts the connection.",
    defaultValue: [],
    defaultText: "none",
    defaultReason: "Triton's default: whoever reaches the port may use all of it.",
  },
  allowGrpc: {
    flag: "--allow-grpc",
    group: "gRPC",
    value: booleanValue,
    doc: "Serve gRPC.",
    defaultValue: true,
    defaultReason: onReason,
  },
  grpcAddress: {
    flag: "--grpc-address",
    group: "gRPC",
    value: textValue("<address>"),
    doc: "Address that the gRPC listener binds to.",
    defaultValue: anyAddress,
    defaultReason: anyAddressReason,
  },
  grpcPort: {
    flag: "--grpc-port",
    group: "gRPC",
    value: portValue,
    doc: "Port of the gRPC listener; 0 takes any free one.",
    defaultValue: 8001,
    defaultReason: "Triton's default, which its clients assume.",
  },
  grpcHeaderForwardPattern: {
    flag: "--grpc-header-forward-pattern",
    group: "gRPC",
    value: headerPatternValue,
    doc:
      "The same as `--http-header-forward-pattern`, for the metadata of gRPC calls. Metadata with names that end in " +
      "`-bin` are no text and are never forwarded.",
    defaultValue: "",
    defaultText: "none",
    defaultReason: "As over HTTP.",
  },
  grpcRestrictedProtocols: {
    flag: "--grpc-restricted-protocol",
    group: "gRPC",
    value: apiRestrictionValue("protocol"),
    doc:
      "Answer UNAVAILABLE to calls of these categories that lack the metadata `triton-grpc-protocol-<key>: <value>`. " +
      "Categories as of `--http-restricted-api`; `health` holds `grpc.health.v1` too.",
    defaultValue: [],
    defaultText: "none",
    defaultReason: "As over HTTP.",
  },
  grpcMaxResponsePoolSize: {
    flag: "--grpc-max-response-pool-size",
    group: "gRPC",
    value: integerValue(1, 2_147_483_647),
    unit: "responses",
    doc:
      "How many responses of one request a decoupled model may have produced on a stream that the client has not taken " +
      "yet; then the model waits. Lower it when responses are large, raise it when a model must not wait for a slow client.",
    defaultValue: 64,
    defaultReason:
      "Enough to keep a client busy. Triton sets no limit, and its memory grows with what a slow client leaves.",
  },
  allowMetrics: {
    flag: "--allow-metrics",
    group: "Metrics",
    value: booleanValue,
    doc: "Serve Prometheus metrics.",
    defaultValue: true,
    defaultReason: onReason,
  },
  metricsAddress: {
    flag: "--metrics-address",
    group: "Metrics",
    value: textValue("<address>"),
    doc: "Address that the metrics listener binds to.",
    defaultValue: "",
    defaultText: "the value of --http-address",
    defaultReason: "Whoever hides the server behind an address means its metrics too.",
  },
  metricsPort: {
    flag: "--metrics-port",
    group: "Metrics",
    value: portValue,
    doc: "Port of the metrics listener; 0 takes any free one.",
    defaultValue: 8002,
    defaultReason: "Triton's default, which scrape configurations for Triton assume.",
  },
} satisfies Partial<{ readonly [F in keyof ServerOptions]: OptionDefinition<ServerOptions[F]> }>;
