import type { Failure } from "../../core/status.ts";

/**
 * What stands between gRPC handlers and the library that speaks HTTP/2: messages as bytes, statuses as failures, and
 * nothing else. A transport that is faster than grpc-js can take its place without a change to a handler.
 */
export interface GrpcTransport {
  /**
   * Opens the port and serves `methods` from then on.
   *
   * @returns The port, which matters when 0 was asked for.
   * @throws StatusError UNAVAILABLE when the address cannot be used, with what to do about it.
   */
  listen(address: string, port: number, methods: readonly GrpcMethod[]): Promise<number>;
  /**
   * Takes no more connections and calls, lets the open calls finish for at most `budgetMs`, then closes them. Resolves
   * when every connection is closed. Idle connections do not hold it up.
   */
  stop(budgetMs: number): Promise<void>;
}

/** A method that the transport serves. Methods that are not listed are answered with UNIMPLEMENTED. */
export type GrpcMethod = UnaryMethod | StreamMethod;

/** One message in, one message out. */
export interface UnaryMethod {
  readonly kind: "unary";
  /** `/package.Service/Method` */
  readonly path: string;
  /** Its responses are compressed when the transport compresses any. */
  readonly isCompressible: boolean;
  /** Called once the whole message is there. Answers now or later, with exactly one {@link UnaryCall.reply} or fail. */
  handle(call: UnaryCall): void;
}

/** Any number of messages both ways. */
export interface StreamMethod {
  readonly kind: "stream";
  /** `/package.Service/Method` */
  readonly path: string;
  /** As {@link UnaryMethod.isCompressible}. */
  readonly isCompressible: boolean;
  /** Called when the call begins. The listener is told everything that follows. */
  open(call: StreamCall): StreamListener;
}

/** Something that stops when nobody waits for its result any more, such as an inference request. */
export interface Cancellable {
  /** May be called more than once, and also after the call has ended by itself. */
  cancel(): void;
}

/** One call of any kind. */
export interface GrpcCall {
  /**
   * The client has cancelled, has gone, or its deadline has passed: what the handler still sends is dropped. Also true
   * after the call has ended by itself.
   */
  readonly isCancelled: boolean;
  /** First value of a metadata key, in lower case; `undefined` when the client sent none. */
  metadata(key: string): string | undefined;
  /** Visits all metadata but binary ones. A key that was sent twice is visited twice. */
  eachMetadata(visit: (lowerCaseKey: string, value: string) => void): void;
  /**
   * Ends the call with a status other than OK. Only the beginning of a very long message is sent, because clients close
   * the connection on headers beyond their limit.
   */
  fail(failure: Failure): void;
}

/** A call of a {@link UnaryMethod}. */
export interface UnaryCall extends GrpcCall {
  /** The request, without the transport's framing. The handler's from here on: the transport does not touch it again. */
  readonly message: Buffer;
  /**
   * Has `target` cancelled when the call is, as {@link GrpcCall.isCancelled} says it. An object instead of a callback
   * spares each request a closure. Call it at most once.
   */
  cancelWith(target: Cancellable): void;
  /**
   * Sends the response and ends the call with OK. The transport owns a Buffer from here on; any other message is
   * written before this returns, or never when the call is cancelled.
   */
  reply(message: OutgoingMessage): void;
}

/**
 * A message that writes itself where the transport wants it, which spares a large one an allocation and a copy. A
 * Buffer is one.
 */
export interface OutgoingMessage {
  /** Exactly what {@link copy} writes. */
  readonly byteLength: number;
  /** Writes the message into `target` from `targetStart` on. Called at most once. */
  copy(target: Buffer, targetStart: number): void;
}

/** A call of a {@link StreamMethod}. */
export interface StreamCall extends GrpcCall {
  /**
   * Sends one message. The transport owns a Buffer from here on; any other message is written or copied before this
   * returns, or never when the call is cancelled. Copying is what is spared when nothing is being written:
   * {@link StreamListener.onWritten} tells when.
   */
  send(message: OutgoingMessage): void;
  /** Ends the call with OK, after what was sent before. */
  end(): void;
  /**
   * Takes no more messages, so that the client has to wait once the connection's window is full. A few that were under
   * way are kept until {@link resume}. Half-close waits behind them; cancellation is told at once.
   */
  pause(): void;
  /** Takes messages again. */
  resume(): void;
}

/** What happens on a stream. */
export interface StreamListener {
  /** One message, as {@link UnaryCall.message}. */
  onMessage(message: Buffer): void;
  /** The client will send nothing more, and still listens. */
  onHalfClose(): void;
  /**
   * The oldest message that was sent and not yet told has left for the client, which had room for it. Never called
   * inside {@link StreamCall.send}, nor when the call has ended.
   */
  onWritten(): void;
  /**
   * As {@link GrpcCall.isCancelled}, or the call was ended because a method of this object threw. The last thing that is
   * told. Not called when the call ended by itself.
   */
  onCancelled(): void;
}
