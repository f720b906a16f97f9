/**
 * The outcome of an operation, in Triton's eight error classes.
 *
 * Expected refusals are values, not throws: making an `Error` with a stack costs several microseconds,
 * which a server under overload must not pay for each request that it turns away.
 *
 * @see docs/errors.md for every code and where it is used; the two wire mappings are
 * `server/http/http-status.ts` and `server/grpc/grpc-status.ts`.
 */
export type StatusCode =
  | "UNKNOWN"
  | "INTERNAL"
  | "NOT_FOUND"
  | "INVALID_ARG"
  | "UNAVAILABLE"
  | "UNSUPPORTED"
  | "ALREADY_EXISTS"
  | "CANCELLED";

/** A refusal or failure: a code for programs and a message for people. Immutable. */
export interface Failure {
  readonly code: StatusCode;
  /** Names what was wrong, where, and what would be right. Starts with a capital or a quoted client text. */
  readonly message: string;
  /** The request was fine and so was the model: it waited too long, or would have. For statistics. */
  readonly isRejection?: true;
}

/** `null` means success: the hot path then compares against one constant and allocates nothing. */
export type Status = Failure | null;

/** Makes a failure value. */
export function failure(code: StatusCode, message: string): Failure {
  return { code, message };
}

/** UNAVAILABLE for a request that waited too long in a queue, or would have. */
export function rejection(message: string): Failure {
  return { code: "UNAVAILABLE", message, isRejection: true };
}

/** A failure as an exception, for edges with promises and for errors at load time. */
export class StatusError extends Error {
  readonly code: StatusCode;

  constructor(code: StatusCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StatusError";
    this.code = code;
  }

  /**
   * Turns anything thrown into a StatusError. What is not one already becomes INTERNAL; its own text is
   * kept, because at load time it is the only hint (a corrupt model file, a missing library).
   */
  static from(thrown: unknown): StatusError {
    if (thrown instanceof StatusError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new StatusError("INTERNAL", message, { cause: thrown });
  }

  /** The same outcome as a plain value. */
  toFailure(): Failure {
    return { code: this.code, message: this.message };
  }
}
