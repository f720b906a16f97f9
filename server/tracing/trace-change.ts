import { nearest } from "../core/edit-distance.ts";
import { type Failure, failure } from "../core/status.ts";
import type { TraceConfig, TraceValues } from "./trace-config.ts";
import { traceLevel, traceLevelBit } from "./trace-level.ts";

/** A trace setting as a client sent it. */
export interface SentTraceSetting {
  readonly name: string;
  /** `null`: back to the value of the global setting, or of the start for that one. */
  readonly values: readonly string[] | null;
}

/** Values to set; `null` clears one, an absent one stays. */
export type TraceChange = { -readonly [K in keyof TraceValues]?: number | null };

const maxRate = 2 ** 32 - 1;
const maxCount = 2 ** 31 - 1;

const numbers: ReadonlyMap<string, { field: keyof TraceValues; min: number; max: number }> = new Map([
  ["trace_rate", { field: "rate", min: 0, max: maxRate }],
  ["trace_count", { field: "count", min: -1, max: maxCount }],
  ["log_frequency", { field: "logFrequency", min: 0, max: maxRate }],
] as const);

const known: readonly string[] = ["trace_level", ...numbers.keys()];

/**
 * Reads the settings that a client wants changed.
 *
 * @param warn - Told of a level that is none: it is passed over, as by Triton.
 * @returns The change, or why there is none: UNSUPPORTED for what is fixed while the server runs, else INVALID_ARG.
 * @see contract §1.11, Trace
 */
export function parseTraceChange(
  sent: readonly SentTraceSetting[],
  config: TraceConfig,
  warn: (message: string) => void,
): TraceChange | Failure {
  const change: TraceChange = {};
  for (const { name, values } of sent) {
    if (name === "trace_file" || name === "trace_mode") return fixed(name);
    if (name === "trace_level") {
      const level = values === null ? null : parseLevel(values, warn);
      if (typeof level === "object" && level !== null) return level;
      change.level = level;
      continue;
    }
    const rule = numbers.get(name);
    if (rule === undefined) return unknown(name);
    const value = values === null ? null : parseNumber(name, values, rule.min, rule.max);
    if (typeof value === "object" && value !== null) return value;
    if (value !== null && rule.field === "logFrequency" && config.mode !== "triton") {
      return failure(
        "UNSUPPORTED",
        `Trace setting "${name}" is for trace files: this server's mode is ${config.mode}`,
      );
    }
    change[rule.field] = value;
  }
  return change;
}

/** Whoever can reach the server could otherwise have it write to any file. */
function fixed(name: string): Failure {
  return failure(
    "UNSUPPORTED",
    `Trace setting "${name}" cannot be changed while the server runs: start it with --trace-config`,
  );
}

function unknown(name: string): Failure {
  const meant = nearest(name, known);
  const hint = meant === null ? `known are ${known.join(", ")}` : `did you mean "${meant}"?`;
  return failure("INVALID_ARG", `Unknown trace setting "${name}": ${hint}`);
}

function parseLevel(names: readonly string[], warn: (message: string) => void): number | Failure {
  let level: number = traceLevel.off;
  for (const name of names) {
    const bit = traceLevelBit(name);
    if (bit === undefined) warn(`Trace level ${JSON.stringify(name)} is unknown and was passed over`);
    else if (bit === traceLevel.off && names.length > 1) {
      return failure(
        "INVALID_ARG",
        'Expect only one trace level "OFF": it cannot be given with other levels',
      );
    } else level |= bit;
  }
  return level;
}

function parseNumber(name: string, values: readonly string[], min: number, max: number): number | Failure {
  const [text = ""] = values;
  if (values.length !== 1) {
    return failure("INVALID_ARG", `Trace setting "${name}" must be one value, got ${values.length}`);
  }
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const allowed = `the text of an integer from ${min} to ${max}`;
  return failure(
    "INVALID_ARG",
    `Unable to parse "${name}": it must be ${allowed}, got ${JSON.stringify(text)}`,
  );
}
