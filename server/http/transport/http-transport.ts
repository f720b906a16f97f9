import { StatusError } from "../../core/status.ts";
import type { HttpExchange } from "./http-exchange.ts";

/** Answers one exchange. Must not throw. @param method - In lower case. @param path - Without the query. */
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
   * connection's last unless it had begun before; connections that stay silent do not hold this up.
   *
   * @param budgetMs - How long to wait at most; 0 does not wait.
   * @returns Resolves when every reply is out and no request has come for a moment, or the budget is spent.
   */
  drain(budgetMs: number): Promise<void>;
}

/** A library that carries HTTP. */
export interface HttpTransport {
  /** For the log. */
  readonly name: string;
  /**
   * Opens a listener; several may be open at once.
   *
   * @throws StatusError UNAVAILABLE that names the address when it cannot be listened on.
   */
  listen(where: ListenAddress, handler: HttpHandler): Promise<HttpListener>;
}

/** The failure of {@link HttpTransport.listen}. @param reason - The system's, when it is known. */
export function cannotListen(where: ListenAddress, reason = ""): StatusError {
  const why = reason === "" ? "the port is in use, or the address is not of this machine" : reason;
  return new StatusError("UNAVAILABLE", `cannot listen on ${where.address}:${where.port}: ${why}`);
}
