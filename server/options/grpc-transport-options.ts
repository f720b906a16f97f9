import { compressionLevels } from "../grpc/transport/response-compression.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { booleanValue, choiceValue, integerValue, optionalPathValue } from "./option-value.ts";
import type { ServerOptions } from "./server-options.ts";

/** The longest time of a Node timer, in ms; the gRPC library takes it as "never". */
const neverMs = 2_147_483_647;
/** The library adds up to a tenth to the age, and a Node timer of more than {@link neverMs} fires at once. */
const longestAgeMs = 1_952_257_860;

const noFile = { defaultValue: null, defaultText: "none" } as const;
const offReason = "Triton's default: whoever needs TLS has certificates to name anyway.";
const unlimited = {
  defaultValue: 0,
  defaultText: "0, no limit",
  defaultReason: "Triton's default: connections live as long as the client wants them.",
} as const;

const exactLevelValue = choiceValue(compressionLevels);

/** In any letter case, as in Triton. */
const levelValue: typeof exactLevelValue = {
  ...exactLevelValue,
  read: (text, previous) => exactLevelValue.read(text.toLowerCase(), previous),
};

/** How the gRPC listener encrypts, and how long it keeps connections. */
export const grpcTransportOptions = {
  grpcUseSsl: {
    flag: "--grpc-use-ssl",
    group: "gRPC",
    value: booleanValue,
    doc: "Serve gRPC over TLS; needs --grpc-server-cert and --grpc-server-key.",
    defaultValue: false,
    defaultReason: offReason,
  },
  grpcUseSslMutual: {
    flag: "--grpc-use-ssl-mutual",
    group: "gRPC",
    value: booleanValue,
    doc:
      "Serve gRPC over TLS, and only to clients that show a certificate signed by --grpc-root-cert. Includes " +
      "--grpc-use-ssl.",
    defaultValue: false,
    defaultReason: offReason,
  },
  grpcServerCertPath: {
    flag: "--grpc-server-cert",
    group: "gRPC",
    value: optionalPathValue,
    doc: "PEM file with the server's certificate, followed by those between it and the root, if any.",
    ...noFile,
    defaultReason: offReason,
  },
  grpcServerKeyPath: {
    flag: "--grpc-server-key",
    group: "gRPC",
    value: optionalPathValue,
    doc: "PEM file with the private key of --grpc-server-cert, without a passphrase.",
    ...noFile,
    defaultReason: offReason,
  },
  grpcRootCertPath: {
    flag: "--grpc-root-cert",
    group: "gRPC",
    value: optionalPathValue,
    doc: "PEM file with the certificates that may sign those of clients; for --grpc-use-ssl-mutual.",
    ...noFile,
    defaultReason: offReason,
  },
  grpcKeepaliveTimeMs: {
    flag: "--grpc-keepalive-time",
    group: "gRPC",
    value: integerValue(1, neverMs),
    unit: "ms",
    doc:
      "How often each connection is probed with a ping, busy or not; 2147483647 is never. Lower it when dead clients, or " +
      "proxies that drop idle connections, must be noticed sooner.",
    defaultValue: 7_200_000,
    defaultReason: "Triton's default, two hours.",
  },
  grpcKeepaliveTimeoutMs: {
    flag: "--grpc-keepalive-timeout",
    group: "gRPC",
    value: integerValue(1, neverMs),
    unit: "ms",
    doc: "How long the answer to such a ping may take before the connection is closed. Raise it for slow networks.",
    defaultValue: 20_000,
    defaultReason: "Triton's default, twenty seconds.",
  },
  grpcMaxConnectionAgeMs: {
    flag: "--grpc-max-connection-age",
    group: "gRPC",
    value: integerValue(0, longestAgeMs),
    unit: "ms",
    doc:
      "Age, give or take a tenth, at which a connection is told to take no more calls, so that clients connect anew. " +
      "Set it where a load balancer spreads connections, not calls.",
    ...unlimited,
  },
  grpcMaxConnectionAgeGraceMs: {
    flag: "--grpc-max-connection-age-grace",
    group: "gRPC",
    value: integerValue(0, neverMs - 1),
    unit: "ms",
    doc: "How long the open calls of a connection that is too old may go on before it is closed.",
    ...unlimited,
  },
  grpcInferResponseCompressionLevel: {
    flag: "--grpc-infer-response-compression-level",
    group: "gRPC",
    value: levelValue,
    doc:
      "How hard responses of ModelInfer and ModelStreamInfer are compressed, for clients that accept gzip or deflate. Raise " +
      "it where the network is slow and tensors repeat themselves; it takes the server's time.",
    defaultValue: "none",
    defaultReason: "Triton's default: tensors hardly compress, and networks are faster than zlib.",
  },
} satisfies Partial<{ readonly [F in keyof ServerOptions]: OptionDefinition<ServerOptions[F]> }>;
