import { monotonicNowUs } from "../../clock.ts";
import type { Exchange } from "../exchange.ts";
import type { Target } from "../target.ts";
import { HttpConnection, type HttpReply, type OnBodyPart } from "./http-connection.ts";
import type { HttpResponseHead } from "./http-response-head.ts";
import { describeHttpError } from "./http-server-client.ts";

/** Sees the body of a good response while it comes. @param bytes - Lent for the time of the call. */
export type OnExchangeBody = (exchange: Exchange, bytes: Buffer, head: HttpResponseHead) => void;

/** One connection per outstanding request, kept open. Notes in the exchanges what becomes of them. */
export class HttpConnectionPool {
  readonly #target: Target;
  readonly #keepsBodies: boolean;
  readonly #onBody: OnExchangeBody | null;
  #idle: PooledConnection[] = [];
  readonly #all = new Set<PooledConnection>();

  /** @param keepsBodies - Whether bodies of good replies are wanted. */
  constructor(target: Target, keepsBodies: boolean, onBody: OnExchangeBody | null = null) {
    this.#target = target;
    this.#onBody = onBody;
    this.#keepsBodies = keepsBodies;
  }

  /** Opens so many connections. Rejects when the server cannot be reached. */
  async open(count: number): Promise<void> {
    while (this.#all.size < count) this.#idle.push(await this.#connect());
  }

  /**
   * Sends a request on a connection that is free, or on a new one.
   *
   * @param request - Head and body.
   * @param done - Called once, later.
   */
  send(exchange: Exchange, request: readonly Uint8Array[], done: (exchange: Exchange) => void): void {
    exchange.sendStartUs = monotonicNowUs();
    const free = this.#idle.pop();
    if (free !== undefined) {
      free.send(exchange, request, done);
      return;
    }
    this.#connect().then(
      (opened) => opened.send(exchange, request, done),
      (error: unknown) => {
        exchange.error = error instanceof Error ? error.message : String(error);
        exchange.endUs = monotonicNowUs();
        done(exchange);
      },
    );
  }

  /** Requests that are outstanding fail. */
  close(): void {
    for (const each of this.#all) each.connection.close();
    this.#all.clear();
    this.#idle = [];
  }

  async #connect(): Promise<PooledConnection> {
    const onBody = this.#onBody;
    const onBodyPart: OnBodyPart | null =
      onBody === null
        ? null
        : (bytes, head) => {
            if (pooled.exchange !== null) onBody(pooled.exchange, bytes, head);
          };
    const connection = new HttpConnection(this.#target, this.#keepsBodies, onBodyPart);
    const pooled: PooledConnection = new PooledConnection(connection, (returned) => {
      if (connection.isOpen) this.#idle.push(returned);
      else this.#all.delete(returned);
    });
    this.#all.add(pooled);
    await connection.open();
    return pooled;
  }
}

/** A connection and the only exchange on it: what is made once per connection need not be made per request. */
class PooledConnection {
  readonly connection: HttpConnection;
  readonly #onFree: (connection: PooledConnection) => void;
  /** The one that is outstanding, or was last. */
  exchange: Exchange | null = null;
  #done: ((exchange: Exchange) => void) | null = null;
  readonly #onReply = (reply: HttpReply | null, error: string | null): void => this.#finish(reply, error);

  constructor(connection: HttpConnection, onFree: (connection: PooledConnection) => void) {
    this.connection = connection;
    this.#onFree = onFree;
  }

  send(exchange: Exchange, request: readonly Uint8Array[], done: (exchange: Exchange) => void): void {
    this.exchange = exchange;
    this.#done = done;
    this.connection.send(request, this.#onReply);
  }

  #finish(reply: HttpReply | null, error: string | null): void {
    const exchange = this.exchange;
    const done = this.#done;
    if (exchange === null || done === null) throw new Error("A reply came without a request. This is a bug.");
    if (reply === null) {
      exchange.error = error;
      exchange.endUs = monotonicNowUs();
    } else {
      exchange.sendEndUs = reply.sendEndUs;
      exchange.receiveStartUs = reply.receiveStartUs;
      exchange.endUs = reply.endUs;
      // Who sees the body while it comes may know of several responses in it.
      if (!exchange.isStreamed) {
        exchange.firstResponseUs = reply.endUs;
        exchange.responseCount = 1;
      }
      if (reply.head.status === 200) {
        exchange.body = reply.body;
        exchange.jsonByteLength = reply.head.jsonByteLength ?? reply.body?.byteLength ?? 0;
      } else {
        exchange.error = describeHttpError(reply);
      }
    }
    this.#onFree(this);
    done(exchange);
  }
}
