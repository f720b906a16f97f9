import type { CompressionLevel } from "./response-compression.ts";

/** What a server shows to its clients, and what it wants to see of them. PEM texts. */
export interface TlsIdentity {
  /** The server's certificate, then those between it and the root. */
  readonly certificateChain: Buffer;
  readonly privateKey: Buffer;
  /** Signers of client certificates: clients must show one that they signed. `null`: clients are not asked. */
  readonly clientRoots: Buffer | null;
}

/** How a transport treats its connections. */
export interface TransportSettings {
  /** `null`: not encrypted. */
  readonly tls: TlsIdentity | null;
  /** Time between two pings of a connection. 2147483647: none. */
  readonly keepaliveTimeMs: number;
  /** How long the answer to a ping may take before the connection is closed. */
  readonly keepaliveTimeoutMs: number;
  /** When a connection has to take no more calls; the transport spreads it by a tenth. 0: never. */
  readonly maxConnectionAgeMs: number;
  /** How long the calls of a connection that is too old may go on. 0: as long as they want. */
  readonly maxConnectionAgeGraceMs: number;
  /** How hard the responses of methods that allow it are compressed, for clients that accept it. */
  readonly responseCompression: CompressionLevel;
}

/** Not encrypted, no pings, connections of any age, nothing compressed. */
export const plainTransport: TransportSettings = {
  tls: null,
  keepaliveTimeMs: 2_147_483_647,
  keepaliveTimeoutMs: 20_000,
  maxConnectionAgeMs: 0,
  maxConnectionAgeGraceMs: 0,
  responseCompression: "none",
};
