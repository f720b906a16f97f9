import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { StatusError } from "../core/status.ts";
import { grpcTransportOptions } from "../options/grpc-transport-options.ts";
import type { ServerOptions } from "../options/server-options.ts";
import type { TlsIdentity } from "./transport/transport-settings.ts";

/** The options that name a PEM file. */
type PemField = "grpcServerCertPath" | "grpcServerKeyPath" | "grpcRootCertPath";

/**
 * Reads the files of the gRPC listener's TLS options and checks that they can work, because the TLS library would
 * complain about them at the first connection, or never, and without their names.
 *
 * @returns `null` when gRPC is not served over TLS.
 * @throws StatusError INVALID_ARG that names option and path.
 */
export async function readTlsFiles(options: ServerOptions): Promise<TlsIdentity | null> {
  const { grpcUseSsl, grpcUseSslMutual } = options;
  if (!grpcUseSsl && !grpcUseSslMutual) return null;
  const certificateChain = await readPem(options, "grpcServerCertPath");
  const certificate = parse(options, "grpcServerCertPath", () => new X509Certificate(certificateChain));
  const privateKey = await readPem(options, "grpcServerKeyPath");
  const key = parse(options, "grpcServerKeyPath", () => createPrivateKey(privateKey));
  if (!certificate.checkPrivateKey(key)) {
    throw unusable(
      options,
      "grpcServerKeyPath",
      "it is not the key of the certificate in --grpc-server-cert",
    );
  }
  let clientRoots: Buffer | null = null;
  if (grpcUseSslMutual) {
    const roots = await readPem(options, "grpcRootCertPath");
    parse(options, "grpcRootCertPath", () => new X509Certificate(roots));
    clientRoots = roots;
  }
  return { certificateChain, privateKey, clientRoots };
}

async function readPem(options: ServerOptions, field: PemField): Promise<Buffer> {
  let content: Buffer;
  try {
    // The options are checked to be complete, and no file is called "".
    content = await readFile(options[field] ?? "");
  } catch (thrown) {
    throw unusable(options, field, "it cannot be read", thrown);
  }
  if (content.toString("latin1").trim() === "") throw unusable(options, field, "it is empty");
  return content;
}

function parse<T>(options: ServerOptions, field: PemField, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw unusable(options, field, "it is not what the option asks for", thrown);
  }
}

function unusable(options: ServerOptions, field: PemField, reason: string, cause?: unknown): StatusError {
  const detail = cause instanceof Error ? ` (${cause.message})` : "";
  const { flag } = grpcTransportOptions[field];
  return new StatusError("INVALID_ARG", `Cannot use ${flag}=${options[field] ?? ""}: ${reason}${detail}`, {
    cause,
  });
}
