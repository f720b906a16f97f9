import type { OptionValue } from "./option-value.ts";

/** The headings of `--help` and `docs/options.md`, in their order. */
export const optionGroups = [
  "Server",
  "Logging",
  "Model repository",
  "Backend",
  "Response cache",
  "Rate limiter",
  "HTTP",
  "gRPC",
  "Metrics",
  "Tracing",
] as const;
export type OptionGroup = (typeof optionGroups)[number];

/** One row of the option table: all that the parser, `--help` and the documentation need of an option. */
export interface OptionDefinition<T> {
  /** With the leading dashes, Triton's spelling. */
  readonly flag: string;
  /** Other spellings of the same option. */
  readonly aliases?: readonly string[];
  readonly group: OptionGroup;
  /** How the text becomes a value. */
  readonly value: OptionValue<T>;
  /** Unit of a number, in words; absent for what has none. */
  readonly unit?: string;
  /** What it does, and when to raise or lower it. Sentences. */
  readonly doc: string;
  readonly defaultValue: T;
  /** The default in words, where {@link defaultValue} printed would say nothing. */
  readonly defaultText?: string;
  /** Why the default is what it is. A sentence. */
  readonly defaultReason: string;
}

/** The default as `--help` and the documentation print it. */
export function describeDefault<T>(definition: OptionDefinition<T>): string {
  return definition.defaultText ?? String(definition.defaultValue);
}
