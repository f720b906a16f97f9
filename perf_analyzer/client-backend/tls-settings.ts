import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { PerfError } from "../exit-code.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";

/** TLS of the client, as texts that can be sent to a thread. All PEM. */
export interface TlsSettings {
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly isPeerVerified: boolean;
  readonly isHostVerified: boolean;
}

/** @throws PerfError naming the file that cannot be read. */
function readOptionFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    throw new PerfError(`Cannot read ${file}: ${PerfError.from(thrown).message}`);
  }
}

function pemOf(file: string | null): string | null {
  return file === null ? null : readOptionFile(file).toString("latin1");
}

function certificateOf(file: string | null, type: "PEM" | "DER"): string | null {
  if (file === null || type === "PEM") return pemOf(file);
  const lines =
    readOptionFile(file)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function keyOf(file: string | null, type: "PEM" | "DER"): string | null {
  if (file === null || type === "PEM") return pemOf(file);
  const key = readOptionFile(file);
  for (const form of ["pkcs8", "pkcs1", "sec1"] as const) {
    try {
      return createPrivateKey({ key, format: "der", type: form })
        .export({ format: "pem", type: "pkcs8" })
        .toString();
    } catch {
      // Another form, then.
    }
  }
  throw new PerfError(`${file} is no private key in DER, neither PKCS #8, PKCS #1 nor SEC 1`);
}

/** TLS as the options want it for HTTPS. */
export function httpsSettings(options: AnalyzerOptions): TlsSettings {
  return {
    ca: pemOf(options.httpsCaCertificates),
    certificate: certificateOf(options.httpsClientCertificate, options.httpsClientCertificateType),
    key: keyOf(options.httpsPrivateKey, options.httpsPrivateKeyType),
    isPeerVerified: options.isHttpsPeerVerified,
    isHostVerified: options.httpsVerifyHost > 0,
  };
}

/** TLS as the options want it for gRPC. */
export function grpcTlsSettings(options: AnalyzerOptions): TlsSettings {
  return {
    ca: pemOf(options.grpcRootCertificates),
    certificate: pemOf(options.grpcCertificateChain),
    key: pemOf(options.grpcPrivateKey),
    isPeerVerified: true,
    isHostVerified: true,
  };
}

/** What Node's TLS takes. */
export function connectionOptions(settings: TlsSettings): ConnectionOptions {
  return {
    rejectUnauthorized: settings.isPeerVerified,
    ...(settings.ca === null ? {} : { ca: settings.ca }),
    ...(settings.certificate === null ? {} : { cert: settings.certificate }),
    ...(settings.key === null ? {} : { key: settings.key }),
    ...(settings.isHostVerified ? {} : { checkServerIdentity: () => undefined }),
  };
}
