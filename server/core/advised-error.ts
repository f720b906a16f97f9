import { type StatusCode, StatusError } from "./status.ts";

/** What to do about an error, for reports that are read by whoever made the model. */
export interface Advice {
  /** The value in the model's config that it is about; absent when it is none. */
  readonly path?: string;
  /** The file that it is about; absent for the config. */
  readonly file?: string;
  /** A sentence without its full stop. */
  readonly fix: string;
}

/** An error of a model that knows what would be right. The server's log says the message alone, `nereid check` all of it. */
export class AdvisedError extends StatusError {
  readonly advice: Advice;

  constructor(code: StatusCode, message: string, advice: Advice) {
    super(code, message);
    this.advice = advice;
  }
}
