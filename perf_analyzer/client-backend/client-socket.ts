import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Target } from "./target.ts";
import { connectionOptions } from "./tls-settings.ts";

/** As much as Node itself reads at once. */
const readBufferBytes = 64 * 1024;

/** Told what happens on a connection. */
export interface ClientSocketEvents {
  onOpen(): void;
  /** @param bytes - Lent for the time of the call: the next read overwrites them. */
  onBytes(bytes: Buffer): void;
  onError(error: Error): void;
  onClose(): void;
}

/**
 * Connects to a target.
 *
 * @remarks
 * Without TLS the system reads into one buffer of the connection, which spares an allocation and the steps of a stream
 * for each read: bench "perf-http".
 *
 * @param protocols - For ALPN; empty for none.
 */
export function openClientSocket(
  { host, port, tls }: Target,
  protocols: readonly string[],
  events: ClientSocketEvents,
): Socket {
  let socket: Socket;
  if (tls === null) {
    const onRead = (byteCount: number, buffer: Uint8Array): boolean => {
      events.onBytes(Buffer.from(buffer.buffer, buffer.byteOffset, byteCount));
      return true;
    };
    const buffer = Buffer.allocUnsafeSlow(readBufferBytes);
    socket = connectTcp({ host, port, onread: { buffer, callback: onRead } });
    socket.once("connect", () => events.onOpen());
  } else {
    const alpn = protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] };
    socket = connectTls({ host, port, ...connectionOptions(tls), ...alpn });
    socket.on("data", (bytes: Buffer) => events.onBytes(bytes));
    socket.once("secureConnect", () => events.onOpen());
  }
  socket.setNoDelay(true);
  socket.on("error", (error: Error) => events.onError(error));
  socket.on("close", () => events.onClose());
  return socket;
}
