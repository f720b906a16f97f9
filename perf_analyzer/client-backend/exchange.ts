/** Where a request stands in a sequence. */
export interface SequencePosition {
  /** The correlation id. */
  readonly id: number;
  readonly isStart: boolean;
  readonly isEnd: boolean;
}

/** One request and what became of it. All times are of the shared monotonic clock. */
export class Exchange {
  /** Which request of the data it is. */
  contentIndex = 0;
  /** Where in shared memory its outputs go; 0 without. */
  laneIndex = 0;
  sequence: SequencePosition | null = null;
  /** When it should have been sent. */
  intendedUs = 0;
  sendStartUs = 0;
  /** When its last byte was handed to the system. */
  sendEndUs = 0;
  /** When the first byte of the response came. */
  receiveStartUs = 0;
  /** When its first response was whole; of a streamed completion, when its first token came. */
  firstResponseUs = 0;
  /** When its last token came, of a streamed completion. */
  lastResponseUs = 0;
  /** When its last response was whole. */
  endUs = 0;
  /** Responses so far; of a streamed completion, tokens. */
  responseCount = 0;
  /** Whether the response is a stream of tokens. */
  isStreamed = false;
  /** Why it failed; `null` for a valid response. */
  error: string | null = null;
  /** The response's message as it came, where {@link LoadClient} was told to keep it. Owned by the exchange. */
  body: Uint8Array | null = null;
  /** Bytes of JSON at the beginning of {@link body}: HTTP only. */
  jsonByteLength = 0;
  /** The responses of a stream as they came, where {@link LoadClient} was told to keep them. Owned by the exchange. */
  readonly responses: { readonly atUs: number; readonly body: Uint8Array }[] = [];
  /** Called for each response on a stream, before the request is done. */
  onResponse: ((exchange: Exchange) => void) | null = null;
  /** Of the loop that sent it: requests of one slot share a stream, and are sent in order there. */
  slotIndex = 0;
}

/** A response that was kept. */
export interface DecodedResponse {
  readonly atUs: number;
  readonly outputs: readonly OutputTensor[];
}

/** An output tensor of a response. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Wire bytes. A view of the response. */
  readonly data: Uint8Array;
}

/** Sends requests that were encoded before, as fast as it can. The hot path. */
export interface LoadClient {
  /** Opens connections for so many outstanding requests. Rejects when the server cannot be reached. */
  open(outstandingCount: number): Promise<void>;
  /** Sends; `done` is called exactly once, later, with {@link Exchange.endUs} or {@link Exchange.error} set. */
  send(exchange: Exchange, done: (exchange: Exchange) => void): void;
  /** The responses that were kept, in order. @throws Error when they cannot be read. */
  decodeResponses(exchange: Exchange): readonly DecodedResponse[];
  /** Requests that are outstanding fail. */
  close(): void;
}
