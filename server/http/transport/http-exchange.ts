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
 * One HTTP request and its reply, as handlers see them: they know nothing of the library that carries it.
 *
 * @remarks
 * Request headers can be read only until the handler has returned for the first time. Exactly one reply is sent; a
 * reply after the client has gone is dropped.
 */
export interface HttpExchange {
  /** Value of a request header, "" when absent. @param lowerCaseName - In lower case. */
  header(lowerCaseName: string): string;
  /** Visits all request headers. Names are in lower case; one that was sent twice is visited twice. */
  eachHeader(visit: (lowerCaseName: string, value: string) => void): void;
  /** Reads the body. Call at most once, before the handler first returns. */
  readBody(maxBytes: number, receiver: BodyReceiver): void;
  /** Registers what to cancel when the client goes away before the reply. */
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
}
