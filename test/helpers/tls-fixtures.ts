import { readFileSync } from "node:fs";
import path from "node:path";

const directory = path.resolve(import.meta.dirname, "../../../test/fixtures/tls");

/** Certificates of the TLS fixtures: `stranger` is not signed by `root`, the others are. */
export type TlsFixture = "root" | "server" | "client" | "stranger";

/** Path of a fixture's PEM file. `root` has no key. */
export function tlsFile(name: TlsFixture, kind: "cert" | "key"): string {
  return path.join(directory, `${name}.${kind}.pem`);
}

/** Content of a fixture's PEM file. */
export function tlsPem(name: TlsFixture, kind: "cert" | "key"): Buffer {
  return readFileSync(tlsFile(name, kind));
}
