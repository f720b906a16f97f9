import { setTimeout as delay } from "node:timers/promises";
import uws from "uWebSockets.js";
import { StatusError } from "../core/status.ts";
import type { HttpExchange } from "./exchange.ts";
import { type ExchangeOwner, UwsExchange } from "./uws-exchange.ts";

/** Answers one exchange. Must not throw. */
export type HttpHandler = (method: string, path: string, exchange: HttpExchange) => void;

/** Where to listen. */
export interface ListenAddress {
  readonly address: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** A listener that is answering. */
export interface HttpListener {
  readonly port: number;
  /**
   * Takes no new connections. Requests that still come on open ones are answered, each reply being its
   * connection's last; connections that stay silent do not hold this up.
   *
   * @param budgetMs - How long to wait at most; 0 does not wait.
   * @returns Resolves when every reply is out and no request has come for a moment, or the budget is spent.
   */
  drain(budgetMs: number): Promise<void>;
}

/**
 * µWS's LIBUS_LISTEN_EXCLUSIVE_PORT. Without it the port is shared with whoever holds it already, and half of the
 * connections go astray.
 */
const exclusivePort = 1;

/** `listen` with an address and options: the library has it, its declarations do not. */
interface AddressListener {
  listen(
    address: string,
    port: number,
    options: number,
    callback: (socket: uws.us_listen_socket | false) => void,
  ): void;
}

/**
 * Opens a listener.
 *
 * @throws StatusError UNAVAILABLE that names the address when it cannot be listened on.
 */
export function listen(where: ListenAddress, handler: HttpHandler): Promise<HttpListener> {
  const app = uws.App();
  const listener = new UwsListener();
  app.any("/*", (response, request) => {
    const exchange = new UwsExchange(response, request, listener);
    handler(request.getMethod(), request.getUrl(), exchange);
    exchange.release();
  });
  return new Promise((resolve, reject) => {
    (app as unknown as AddressListener).listen(where.address, where.port, exclusivePort, (socket) => {
      if (socket === false) {
        reject(
          new StatusError(
            "UNAVAILABLE",
            `cannot listen on ${where.address}:${where.port}: the port is in use, or the address is not of this machine`,
          ),
        );
        return;
      }
      listener.socket = socket;
      resolve(listener);
    });
  });
}

/** While a listener drains: no request for this long means that none is on its way any more. */
const quietMs = 200;
const drainCheckMs = 50;

class UwsListener implements HttpListener, ExchangeOwner {
  isStopping = false;
  socket: uws.us_listen_socket | null = null;
  #openCount = 0;
  #lastActivityMs = 0;

  get port(): number {
    return this.socket === null ? 0 : uws.us_socket_local_port(this.socket);
  }

  onExchangeBegun(): void {
    this.#openCount++;
  }

  onExchangeEnded(): void {
    this.#openCount--;
    if (this.isStopping) this.#lastActivityMs = performance.now();
  }

  async drain(budgetMs: number): Promise<void> {
    this.isStopping = true;
    if (this.socket !== null) uws.us_listen_socket_close(this.socket);
    this.socket = null;
    const startMs = performance.now();
    this.#lastActivityMs = startMs;
    for (let nowMs = startMs; nowMs - startMs < budgetMs; nowMs = performance.now()) {
      if (this.#openCount === 0 && nowMs - this.#lastActivityMs >= quietMs) return;
      await delay(drainCheckMs);
    }
  }
}
