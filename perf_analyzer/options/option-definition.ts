import type { OptionValue } from "./option-value.ts";

/** The headings of `--help`, in their order. */
export const optionGroups = [
  "General",
  "Measurement",
  "Load",
  "Sequences",
  "Input",
  "Request",
  "Server",
  "Metrics",
  "Trace",
  "Report",
] as const;
export type OptionGroup = (typeof optionGroups)[number];

/** One row of the option table. */
export interface OptionDefinition<T> {
  /** With the leading dashes, Triton's spelling. */
  readonly flag: string;
  readonly aliases?: readonly string[];
  readonly group: OptionGroup;
  readonly value: OptionValue<T>;
  /** What it does, and when to raise or lower it. Sentences. */
  readonly doc: string;
  readonly defaultValue: T;
  /** The default in words, where the value printed would say nothing. */
  readonly defaultText?: string;
}

/** The default as `--help` prints it. */
export function describeDefault<T>(definition: OptionDefinition<T>): string {
  return definition.defaultText ?? String(definition.defaultValue);
}
