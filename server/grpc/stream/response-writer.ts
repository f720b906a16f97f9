import { FixedQueue } from "../../core/fixed-queue.ts";
import type { OutgoingMessage, StreamCall } from "../transport/grpc-transport.ts";
import type { ResponseLane } from "./response-lane.ts";
import type { StreamBacklog } from "./stream-backlog.ts";

/**
 * Writes the responses of one stream, one message at a time.
 *
 * ```
 *   order:  [ a  b  c ]          requests whose responses leave in the order of arrival: only a's may
 *   ready:  [ a  x  y ]          requests with a message that may leave, in turns; x and y are decoupled
 * ```
 *
 * @remarks
 * The transport holds one message; everything else waits here, so that a request with many responses cannot get ahead of
 * the others. A message that finds the stream free is written straight into its frame.
 */
export class ResponseWriter {
  readonly #call: StreamCall;
  readonly #backlog: StreamBacklog;
  readonly #order = new FixedQueue<ResponseLane>();
  readonly #ready = new FixedQueue<ResponseLane>();
  /** Whose message the transport holds, and its length. */
  #writing: ResponseLane | null = null;
  #writingByteCount = 0;

  constructor(call: StreamCall, backlog: StreamBacklog) {
    this.#call = call;
    this.#backlog = backlog;
  }

  /** A message waits, or a request has its place in the order and is not finished. */
  get isWaiting(): boolean {
    return this.#ready.length > 0 || this.#order.length > 0;
  }

  /** Gives a request of the ordered kind its place: the last one. */
  enter(lane: ResponseLane): void {
    this.#order.push(lane);
  }

  /** Writes the message, or copies it and writes it in its turn: it may be reused when this returns. */
  write(lane: ResponseLane, message: OutgoingMessage): void {
    this.#backlog.add(message.byteLength);
    if (this.#writing === null && this.#mayLeave(lane)) {
      this.#send(lane, message);
      return;
    }
    lane.keep(ownBytes(message));
    if (this.#mayLeave(lane)) this.#makeReady(lane);
  }

  /** The request's last message has been written or kept, or none comes. */
  finish(lane: ResponseLane): void {
    lane.isFinished = true;
    if (!lane.isOrdered || !lane.isEmpty || this.#order.peek() !== lane) return;
    this.#advance();
    if (this.#writing === null) this.#writeNext();
  }

  /** The transport has room again. */
  onWritten(): void {
    const lane = this.#writing;
    if (lane === null) return;
    this.#writing = null;
    this.#backlog.remove(this.#writingByteCount);
    // Before the lane is told: what it answers with has to wait for its turn.
    this.#writeNext();
    lane.onWritten();
  }

  /** Hands everything that may leave to the transport, before the call is ended for an error. */
  flush(): void {
    for (let lane = this.#ready.shift(); lane !== undefined; lane = this.#ready.shift())
      this.#sendNextOf(lane);
  }

  #mayLeave(lane: ResponseLane): boolean {
    return !lane.isOrdered || this.#order.peek() === lane;
  }

  #makeReady(lane: ResponseLane): void {
    if (lane.isReady) return;
    lane.isReady = true;
    this.#ready.push(lane);
  }

  #writeNext(): void {
    const lane = this.#ready.shift();
    if (lane !== undefined) this.#sendNextOf(lane);
  }

  #sendNextOf(lane: ResponseLane): void {
    lane.isReady = false;
    const message = lane.take();
    if (message === null) throw new Error("A lane without messages is ready. This is a bug.");
    this.#send(lane, message);
    if (!lane.isEmpty) this.#makeReady(lane);
    else if (lane.isOrdered && lane.isFinished) this.#advance();
  }

  #send(lane: ResponseLane, message: OutgoingMessage): void {
    this.#writing = lane;
    this.#writingByteCount = message.byteLength;
    this.#call.send(message);
  }

  /** Gives the turn to the first request in the order that has something to say or may still get it. */
  #advance(): void {
    let head = this.#order.peek();
    while (head?.isFinished === true && head.isEmpty) {
      this.#order.shift();
      head = this.#order.peek();
    }
    if (head !== undefined && !head.isEmpty) this.#makeReady(head);
  }
}

/** The message in memory of its own. */
function ownBytes(message: OutgoingMessage): Buffer {
  if (Buffer.isBuffer(message)) return message;
  const bytes = Buffer.allocUnsafe(message.byteLength);
  message.copy(bytes, 0);
  return bytes;
}
