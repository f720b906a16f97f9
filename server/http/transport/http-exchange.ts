/** What a handler wants to know while its exchange is under way. */
export interface BodyReceiver {
  /**
   * The whole body has arrived.
   * @param body - Owned by the receiver, which may give it to the {@link bodyPool} when it is used up.
   */
  onBody(body: Uint8Array): void;
  /** The body is beyond a limit. It is not read any further; reply, and the connection closes. */
  onTooLarge(exceeded: BodyLimit): void;
}

/** What there was too much of: bytes, or chunks of an upload in chunks. */
export type BodyLimit = "bytes" | "chunks";

/** Headers of a reply: pairs of name and value. */
export type ReplyHeaders = readonly (readonly [name: string, value: string])[];

/** Something that need not be finished when nobody waits for it any more. */
export interface Cancellable {
  cancel(): void;
}

/**
 * A reply whose length nobody knows when it begins. Status line and headers leave with the first chunk, or with the end.
 *
 * @remarks
 * When the client has gone, chunks are dropped and taken to be written.
 */
export interface StreamedReply {
  /**
   * Sends a chunk.
   *
   * @param chunk - Not empty. Written or copied before this returns.
   * @returns Whether the socket takes more. If not, the next chunk must wait for `onDrained`.
   */
  write(chunk: Uint8Array): boolean;
  /** Ends the reply. Call once, and not while a chunk waits for the socket. */
  end(): void;
}

/**
 * One HTTP request and its reply, as handlers see them: they know nothing of the library that carries it.
 *
 * @remarks
 * Request headers can be read only until the handler has returned for the first time. Exactly one reply is sent; a
 * reply after the client has gone is dropped.
 */
export interface HttpExchange extends WholeReplyExchange {
  /**
   * Begins a reply that is sent in parts: 200, with a length that is not announced.
   *
   * @param onDrained - Called when the socket takes chunks again, after {@link StreamedReply.write} said that it does not.
   */
  startReply(contentType: string, onDrained: () => void): StreamedReply;
}

/** An {@link HttpExchange} whose reply is sent in one piece. */
export interface WholeReplyExchange {
  /** Value of a request header, "" when absent. @param lowerCaseName - In lower case. */
  header(lowerCaseName: string): string;
  /** Visits all request headers. Names are in lower case; one that was sent twice is visited twice. */
  eachHeader(visit: (lowerCaseName: string, value: string) => void): void;
  /** Reads the body. Call at most once, before the handler first returns. */
  readBody(maxBytes: number, receiver: BodyReceiver): void;
  /** Registers what to cancel when the client goes away before the reply, or before the end of a streamed one. */
  cancelWhenAborted(work: Cancellable): void;
  /**
   * Sends the reply. The body is written or copied before this returns.
   *
   * @param statusLine - "" for 200.
   * @param contentType - "" for none.
   */
  reply(statusLine: string, contentType: string, body: Uint8Array | string): void;
  /** As {@link reply}, with any headers. The length of the body is added. */
  replyWithHeaders(statusLine: string, headers: ReplyHeaders, body: Uint8Array | string): void;
  /** Sends a 200 reply with binary tensor data. @param headerBytes - Length of the JSON before the tensors. */
  replyBinaryTensors(headerBytes: number, body: Uint8Array): void;
  /**
   * As {@link replyBinaryTensors}, in parts: the first is JSON, which is written or copied before this returns.
   *
   * @param tensors - Written from where they are, as the socket takes them.
   * @param onRelease - Called once, when they are read no more: all is written, or the client has gone. Maybe at once.
   */
  replyLargeTensors(json: Uint8Array, tensors: readonly Uint8Array[], onRelease: () => void): void;
}
