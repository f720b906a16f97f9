/** How the program ends. @see contract §9.1 */
export const exitCode = {
  ok: 0,
  /** No stable measurement: the level did not settle within `--max-trials`, or was interrupted. */
  notStable: 2,
  /** No request ended within the measurement windows. */
  noValidRequests: 3,
  /** Everything else, wrong command lines too. */
  failure: 99,
} as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** A reason to end the program, in words for the user. */
export class PerfError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, code: ExitCode = exitCode.failure, options: ErrorOptions = {}) {
    super(message, options);
    this.name = "PerfError";
    this.exitCode = code;
  }

  /** What was thrown, as one of these. */
  static from(thrown: unknown): PerfError {
    if (thrown instanceof PerfError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new PerfError(message, exitCode.failure, { cause: thrown });
  }
}
