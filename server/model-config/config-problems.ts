import { StatusError } from "../core/status.ts";

/**
 * Collects what is wrong with a model's configuration, so that its author sees everything at once and not one
 * problem per attempt.
 */
export class ConfigProblems {
  readonly #subject: string;
  readonly #lines: string[] = [];
  #hasInvalid = false;

  /** @param subject - Starts each line: the file's path, or `model 'm'` when no file is to blame. */
  constructor(subject: string) {
    this.#subject = subject;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Notes something that is wrong whatever this server can do. */
  invalid(text: string): void {
    this.#hasInvalid = true;
    this.#lines.push(`${this.#subject}: ${text}`);
  }

  /** Notes something that is right, but not built yet. */
  unsupported(text: string): void {
    this.#lines.push(`${this.#subject}: ${text}`);
  }

  /**
   * Ends a stage of the checks.
   *
   * @throws StatusError with one problem per line, when there are any: INVALID_ARG, or UNSUPPORTED when nothing is
   * wrong with the configuration but what it asks for is not built yet.
   */
  throwIfAny(): void {
    if (this.#lines.length === 0) return;
    throw new StatusError(this.#hasInvalid ? "INVALID_ARG" : "UNSUPPORTED", this.#lines.join("\n"));
  }
}
