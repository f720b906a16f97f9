import { openLogFile, stderrDestination, type LogDestination } from "./log-destination.ts";
import { escapeControlCharacters } from "./log-escape.ts";
import { formatLogLine, type LogSeverity } from "./log-line.ts";
import { type LogFormat, LogSettings } from "./log-settings.ts";
import { wallClockUs } from "./wall-clock.ts";

/** What all loggers of a server share. */
interface LoggerContext {
  readonly settings: LogSettings;
  readonly destination: LogDestination;
  readonly processId: number;
  /** Wall time in µs since 1970. */
  readonly nowUs: () => number;
}

/** What {@link Logger.create} needs. */
export interface LoggerInit {
  readonly component: string;
  readonly settings: LogSettings;
  readonly destination: LogDestination;
  /** The process's own when absent. */
  readonly processId?: number;
  /** The system's wall clock when absent. Microseconds since 1970. */
  readonly nowUs?: () => number;
}

/**
 * Writes records in Triton's line formats, each on a line of its own, under the name of one part of the server.
 *
 * @remarks Never throws. A record whose kind is off costs a comparison; guard messages that are dear to make with
 * {@link isVerbose}.
 */
export class Logger {
  readonly #context: LoggerContext;
  readonly #component: string;

  private constructor(context: LoggerContext, component: string) {
    this.#context = context;
    this.#component = escapeControlCharacters(component);
  }

  /** The first logger of a server; the others are its {@link child}ren. */
  static create(init: LoggerInit): Logger {
    const { settings, destination, processId = process.pid, nowUs = wallClockUs } = init;
    return new Logger({ settings, destination, processId, nowUs }, init.component);
  }

  /** Shared with all other loggers of the server, and changeable while it runs. */
  get settings(): LogSettings {
    return this.#context.settings;
  }

  /** A logger for another part of the server, with the same settings and destination. */
  child(component: string): Logger {
    return new Logger(this.#context, component);
  }

  /** Whether verbose records of this level (1 is the most important) are written. */
  isVerbose(level: number): boolean {
    return level <= this.#context.settings.verboseLevel;
  }

  info(message: string): void {
    if (this.settings.info) this.#write("I", message);
  }

  /** Writes a heading, then `table` (from `renderTable`) on lines of its own, as Triton's start-up tables. */
  infoTable(heading: string, table: string): void {
    if (this.settings.info) this.#write("I", heading, table);
  }

  warning(message: string): void {
    if (this.settings.warning) this.#write("W", message);
  }

  /** @param cause - Logged with its stack; clients never see it. */
  error(message: string, cause?: unknown): void {
    if (!this.settings.error) return;
    this.#write("E", cause === undefined ? message : `${message}; cause: ${describeCause(cause)}`);
  }

  verbose(level: number, message: string): void {
    if (this.isVerbose(level)) this.#write("I", message);
  }

  /** Waits, briefly, for lines that a slow reader held up. Call it when the process is about to end. */
  flush(): void {
    this.#context.destination.flush();
  }

  #write(severity: LogSeverity, message: string, attachment = ""): void {
    const { settings, destination, processId, nowUs } = this.#context;
    const record = { severity, timeUs: nowUs(), processId, component: this.#component, message };
    destination.write(formatLogLine(record, settings.format, settings.escapeMessages) + attachment);
  }
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

/** The logging options of the command line. */
export interface LogOptions {
  readonly logVerboseLevel: number;
  readonly logInfo: boolean;
  readonly logWarning: boolean;
  readonly logError: boolean;
  readonly logFormat: LogFormat;
  /** `null`: stderr. */
  readonly logFilePath: string | null;
  readonly escapeLogMessages: boolean;
}

/**
 * The logger that the command line asks for.
 *
 * @throws StatusError INVALID_ARG when the log file cannot be opened.
 */
export function openLogger(options: LogOptions, component: string): Logger {
  const settings = new LogSettings({
    verboseLevel: options.logVerboseLevel,
    info: options.logInfo,
    warning: options.logWarning,
    error: options.logError,
    format: options.logFormat,
    escapeMessages: options.escapeLogMessages,
    filePath: options.logFilePath ?? "",
  });
  const destination = options.logFilePath === null ? stderrDestination() : openLogFile(options.logFilePath);
  return Logger.create({ component, settings, destination });
}
