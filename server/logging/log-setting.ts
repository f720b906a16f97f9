import { nearest } from "../core/edit-distance.ts";
import { failure, type Status } from "../core/status.ts";
import { type LogFormat, logFormats, type LogSettings } from "./log-settings.ts";

/** The largest level that the command line takes too. */
const maxVerboseLevel = 2 ** 31 - 1;

/** The log settings in the form of the logging extension, in the order in which Triton writes them. */
export interface LogSettingsReport {
  /** "": stderr. */
  readonly log_file: string;
  readonly log_info: boolean;
  readonly log_warning: boolean;
  readonly log_error: boolean;
  readonly log_verbose_level: number;
  readonly log_format: LogFormat;
}

/** Reads the log settings. */
export function reportLogSettings(settings: LogSettings): LogSettingsReport {
  return {
    log_file: settings.filePath,
    log_info: settings.info,
    log_warning: settings.warning,
    log_error: settings.error,
    log_verbose_level: settings.verboseLevel,
    log_format: settings.format,
  };
}

/** Takes a value over, or says what it should have been. */
type Change = (settings: LogSettings, value: unknown) => string | null;

const changes: ReadonlyMap<string, Change> = new Map<string, Change>([
  ["log_info", changeSwitch("info")],
  ["log_warning", changeSwitch("warning")],
  ["log_error", changeSwitch("error")],
  ["log_verbose_level", changeVerboseLevel],
  ["log_format", changeFormat],
]);

/** Whoever can reach the server could otherwise have it write to any file. */
const fileIsFixed = failure(
  "UNSUPPORTED",
  'Log setting "log_file" cannot be changed while the server runs: start it with --log-file',
);

/**
 * Changes one log setting. It takes effect with the next record.
 *
 * @param name - As in {@link LogSettingsReport}.
 * @param value - As the client sent it, of any type.
 * @returns `null`, or why nothing was changed: UNSUPPORTED for the log file, INVALID_ARG for an unknown setting and for
 * a value that the setting cannot have.
 * @see contract §1.11, Logging
 */
export function changeLogSetting(settings: LogSettings, name: string, value: unknown): Status {
  if (name === "log_file") return fileIsFixed;
  const change = changes.get(name);
  if (change === undefined) {
    const meant = nearest(name, changes.keys());
    const hint = meant === null ? `known are ${[...changes.keys()].join(", ")}` : `did you mean "${meant}"?`;
    return failure("INVALID_ARG", `Unknown log setting "${name}": ${hint}`);
  }
  const expected = change(settings, value);
  if (expected === null) return null;
  return failure("INVALID_ARG", `Log setting "${name}" must be ${expected}, got ${describe(value)}`);
}

function changeSwitch(kind: "info" | "warning" | "error"): Change {
  return (settings, value) => {
    if (typeof value !== "boolean") return "a boolean";
    settings[kind] = value;
    return null;
  };
}

function changeVerboseLevel(settings: LogSettings, value: unknown): string | null {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > maxVerboseLevel) {
    return `an integer from 0 to ${maxVerboseLevel}`;
  }
  settings.verboseLevel = value;
  return null;
}

function changeFormat(settings: LogSettings, value: unknown): string | null {
  const format = logFormats.find((known) => known === value);
  if (format === undefined) return logFormats.map((known) => `"${known}"`).join(" or ");
  settings.format = format;
  return null;
}

/** A list or an object may be long, and its type says enough. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : JSON.stringify(value);
}
