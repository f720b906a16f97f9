import type { Failure } from "../../core/status.ts";
import type { CodecOperation } from "./codec-operations.ts";

/** To the thread. It answers every message with one {@link CodecReply}, in the same order. */
export interface CodecCall {
  readonly operation: CodecOperation;
  /** Of the type that `CodecQuestions` gives for the operation. */
  readonly question: unknown;
}

/** From the thread. */
export type CodecReply =
  | {
      readonly kind: "answer";
      /** Of the type that `CodecAnswers` gives for the operation. */
      readonly answer: unknown;
    }
  /** A StatusError was thrown: for the client. */
  | { readonly kind: "failure"; readonly failure: Failure }
  /** Something else was thrown: for the log. */
  | { readonly kind: "bug"; readonly thrown: unknown };
