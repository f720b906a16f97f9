import type { AnswerMessage, ExecutedMessage, FromRequestWorker } from "./request-protocol.ts";
import { TensorPacker } from "./tensor-packer.ts";

/**
 * Collects the answers that are given in one go, so that those of a whole batch travel in one message.
 *
 * @remarks An answer leaves at the end of the microtask that gave it at the latest.
 */
export class AnswerOutbox {
  /** Where the outputs of the next message go. */
  readonly packer = new TensorPacker();
  readonly #post: (message: FromRequestWorker, transferred: readonly ArrayBuffer[]) => void;
  #answers: AnswerMessage[] = [];
  #isFlushDue = false;

  constructor(post: (message: FromRequestWorker, transferred: readonly ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /** @param answer - Its outputs have been packed with {@link packer}, in this very turn. */
  add(answer: AnswerMessage): void {
    this.#answers.push(answer);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      if (this.#isFlushDue) this.flush(null);
    });
  }

  /** Sends what there is, and tells of the execution that ended with it. */
  flush(executed: ExecutedMessage | null): void {
    this.#isFlushDue = false;
    if (this.#answers.length === 0 && executed === null) return;
    const answers = this.#answers;
    this.#answers = [];
    const buffers = this.packer.take();
    this.#post({ kind: "answers", answers, buffers, executed }, buffers);
  }
}
