import type { AnalyzerOptions } from "./analyzer-options.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { choiceValue, optionalTextValue, presenceValue, switchValue, wholeValue } from "./option-value.ts";

type ServerField =
  | "url"
  | "endpoint"
  | "modelRepository"
  | "isGrpcTls"
  | "grpcRootCertificates"
  | "grpcPrivateKey"
  | "grpcCertificateChain"
  | "isHttpsPeerVerified"
  | "httpsVerifyHost"
  | "httpsCaCertificates"
  | "httpsClientCertificate"
  | "httpsClientCertificateType"
  | "httpsPrivateKey"
  | "httpsPrivateKeyType"
  | "csvFile"
  | "isVerboseCsv"
  | "profileExportFile";

type Row<F extends ServerField> = OptionDefinition<AnalyzerOptions[F]>;

function pemFile(flag: string, doc: string): OptionDefinition<string | null> {
  return {
    flag,
    group: "Server",
    value: optionalTextValue("<file>"),
    doc,
    defaultValue: null,
    defaultText: "none",
  };
}

function encoding(flag: string, what: string): OptionDefinition<"PEM" | "DER"> {
  return {
    flag,
    group: "Server",
    value: choiceValue<"PEM" | "DER">(["PEM", "DER"]),
    doc: `How the file of ${what} is encoded.`,
    defaultValue: "PEM",
  };
}

/** Where the server is, and what is written. */
export const serverOptions: { readonly [F in ServerField]: Row<F> } = {
  url: {
    flag: "-u",
    group: "Server",
    value: optionalTextValue("<host:port>"),
    doc: "The server. https:// before it means TLS over HTTP.",
    defaultValue: null,
    defaultText: "localhost:8000 for HTTP, localhost:8001 for gRPC; tfserving 8501 and 8500, torchserve 8080",
  },
  endpoint: {
    flag: "--endpoint",
    group: "Server",
    value: optionalTextValue("<path>"),
    doc: "Where requests go, for --service-kind=openai: `v1/chat/completions` or `v1/completions`.",
    defaultValue: null,
    defaultText: "none, openai needs it",
  },
  modelRepository: {
    flag: "--model-repository",
    group: "Server",
    value: optionalTextValue("<directory>"),
    doc: "The repository of the embedded server, for --service-kind=in_process. Only the model of -m is loaded.",
    defaultValue: null,
    defaultText: "none, in_process needs it",
  },
  isGrpcTls: {
    flag: "--ssl-grpc-use-ssl",
    group: "Server",
    value: presenceValue(true),
    doc: "Speak gRPC over TLS.",
    defaultValue: false,
    defaultText: "off",
  },
  grpcRootCertificates: pemFile(
    "--ssl-grpc-root-certifications-file",
    "Authorities to trust for gRPC, as PEM, instead of the known ones.",
  ),
  grpcPrivateKey: pemFile("--ssl-grpc-private-key-file", "The client's key for gRPC, as PEM."),
  grpcCertificateChain: pemFile(
    "--ssl-grpc-certificate-chain-file",
    "The client's certificates for gRPC, as PEM.",
  ),
  isHttpsPeerVerified: {
    flag: "--ssl-https-verify-peer",
    group: "Server",
    value: switchValue,
    doc: "Whether the server's certificate must be signed by a trusted authority.",
    defaultValue: true,
    defaultText: "1",
  },
  httpsVerifyHost: {
    flag: "--ssl-https-verify-host",
    group: "Server",
    value: wholeValue(0, 2),
    doc: "Whether the server's certificate must be for its host name: 0 no, 1 and 2 yes.",
    defaultValue: 2,
  },
  httpsCaCertificates: pemFile(
    "--ssl-https-ca-certificates-file",
    "Authorities to trust for HTTPS, as PEM, instead of the known ones.",
  ),
  httpsClientCertificate: pemFile(
    "--ssl-https-client-certificate-file",
    "The client's certificate for HTTPS.",
  ),
  httpsClientCertificateType: encoding("--ssl-https-client-certificate-type", "the client's certificate"),
  httpsPrivateKey: pemFile("--ssl-https-private-key-file", "The client's key for HTTPS."),
  httpsPrivateKeyType: encoding("--ssl-https-private-key-type", "the client's key"),
  csvFile: {
    flag: "-f",
    group: "Report",
    value: optionalTextValue("<file>"),
    doc: "Write the report as CSV.",
    defaultValue: null,
    defaultText: "none",
  },
  isVerboseCsv: {
    flag: "--verbose-csv",
    group: "Report",
    value: presenceValue(true),
    doc: "More columns in the CSV file.",
    defaultValue: false,
    defaultText: "off",
  },
  profileExportFile: {
    flag: "--profile-export-file",
    group: "Report",
    value: optionalTextValue("<file>"),
    doc: "Write every measured request as JSON.",
    defaultValue: null,
    defaultText: "none",
  },
};
