import { StatusError } from "../core/status.ts";
import { firstQuotedPath } from "./json-path.ts";
import { formatPlace, type SourcePlace, type SourcePlaces } from "./source-places.ts";

/** The text that a config was read from. */
export interface ConfigSource {
  /** Path of the file, or another name for where the text came from. */
  readonly file: string;
  /** Where its values stand, or `null`: messages then have their paths only. */
  readonly places: SourcePlaces | null;
}

/** What a message about a config can say in parts, for programs and for reports. */
export interface ProblemDetails {
  /** The value in the config that is wrong. By default the first one that the text quotes. */
  readonly path?: string;
  /** What the config says. */
  readonly found?: string;
  /** What the model says. */
  readonly model?: string;
  /** What to do. A sentence without its full stop. */
  readonly fix?: string;
}

/** One thing that is wrong with a configuration. */
export interface ConfigProblem extends ProblemDetails {
  /** What is wrong, where, and what would be right. */
  readonly text: string;
  /** The config file, or `null` when there is none. */
  readonly file: string | null;
  readonly place: SourcePlace | null;
}

/** A config that was refused. Its message has one problem per line. */
export class ConfigError extends StatusError {
  /** At least one. */
  readonly problems: readonly ConfigProblem[];

  constructor(code: "INVALID_ARG" | "UNSUPPORTED", message: string, problems: readonly ConfigProblem[]) {
    super(code, message);
    this.problems = problems;
  }
}

/**
 * Collects what is wrong with a model's configuration, so that its author sees everything at once and not one
 * problem per attempt.
 */
export class ConfigProblems {
  readonly #subject: string;
  readonly #source: ConfigSource | null;
  readonly #problems: ConfigProblem[] = [];
  readonly #lines: string[] = [];
  #hasInvalid = false;

  /**
   * @param subject - Starts each line: the file's path, or `model 'm'` when no file is to blame.
   * @param source - Where the values that messages quote by their paths are written, or `null`.
   */
  constructor(subject: string, source: ConfigSource | null = null) {
    this.#subject = subject;
    this.#source = source;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Notes something that is wrong whatever this server can do. */
  invalid(text: string, details: ProblemDetails = {}): void {
    this.#hasInvalid = true;
    this.#note(text, details);
  }

  /** Notes something that is right, but not built yet. */
  unsupported(text: string, details: ProblemDetails = {}): void {
    this.#note(text, details);
  }

  /**
   * Ends a stage of the checks.
   *
   * @throws ConfigError with one problem per line, when there are any: INVALID_ARG, or UNSUPPORTED when nothing is
   * wrong with the configuration but what it asks for is not built yet.
   */
  throwIfAny(): void {
    if (this.#lines.length === 0) return;
    throw new ConfigError(
      this.#hasInvalid ? "INVALID_ARG" : "UNSUPPORTED",
      this.#lines.join("\n"),
      this.#problems,
    );
  }

  #note(text: string, details: ProblemDetails): void {
    const path = details.path ?? firstQuotedPath(text);
    const place = path === null ? null : (this.#source?.places?.placeOf(path) ?? null);
    const file = this.#source?.file ?? null;
    this.#problems.push({ ...details, ...(path === null ? {} : { path }), text, file, place });
    if (place === null) this.#lines.push(`${this.#subject}: ${text}`);
    else if (file === this.#subject) this.#lines.push(`${file}: ${formatPlace(place)}: ${text}`);
    else this.#lines.push(`${this.#subject}: ${text} (${file ?? ""}, ${formatPlace(place)})`);
  }
}
