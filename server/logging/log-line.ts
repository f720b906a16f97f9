import { quoteMessage } from "./log-escape.ts";
import type { LogFormat } from "./log-settings.ts";

/** Information (verbose records too), warning, error: the letter in the line. */
export type LogSeverity = "I" | "W" | "E";

/** One record, before it is written. */
export interface LogRecord {
  readonly severity: LogSeverity;
  /** Microseconds since 1970. */
  readonly timeUs: number;
  readonly processId: number;
  /** The part of the server that speaks. */
  readonly component: string;
  readonly message: string;
}

/**
 * One line of the log, with its line end. Times are UTC.
 *
 * ```
 * default   I0131 23:59:59.123456 4711 model-repository] "message"
 * ISO8601   2026-01-31T23:59:59Z I 4711 model-repository] "message"
 * ```
 */
export function formatLogLine(record: LogRecord, format: LogFormat, escapeMessages: boolean): string {
  const { severity, timeUs, processId, component, message } = record;
  const iso = new Date(timeUs / 1_000).toISOString();
  const text = escapeMessages ? quoteMessage(message) : message;
  const origin = `${processId} ${component}] ${text}\n`;
  if (format === "ISO8601") return `${iso.slice(0, 19)}Z ${severity} ${origin}`;
  const micros = String(Math.floor(timeUs) % 1_000_000).padStart(6, "0");
  return `${severity}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 19)}.${micros} ${origin}`;
}
