/** A message that waits until the stream is free. */
interface WaitingMessage {
  readonly bytes: Buffer;
  next: WaitingMessage | null;
}

/** The responses of one request on their way to the stream, in their order. */
export abstract class ResponseLane {
  /** Nothing is written before everything of the requests before it; `false` for requests of decoupled models. */
  readonly isOrdered: boolean;
  /** No further message comes. Set by the writer, as is {@link isReady}. */
  isFinished = false;
  /** In the writer's ring. */
  isReady = false;
  #first: WaitingMessage | null = null;
  #last: WaitingMessage | null = null;

  constructor(isOrdered: boolean) {
    this.isOrdered = isOrdered;
  }

  /** One of its messages has left. */
  abstract onWritten(): void;

  get isEmpty(): boolean {
    return this.#first === null;
  }

  /** Appends a message. The lane owns it. */
  keep(bytes: Buffer): void {
    const message: WaitingMessage = { bytes, next: null };
    if (this.#last === null) this.#first = message;
    else this.#last.next = message;
    this.#last = message;
  }

  /** Takes the oldest message, or `null` when none waits. */
  take(): Buffer | null {
    const message = this.#first;
    if (message === null) return null;
    this.#first = message.next;
    if (message.next === null) this.#last = null;
    return message.bytes;
  }
}
