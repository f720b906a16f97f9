import { cacheOptions } from "./cache-options.ts";
import { cloudEnvironmentVariables } from "./cloud-environment.ts";
import { grpcTransportOptions } from "./grpc-transport-options.ts";
import { listenerOptions } from "./listener-options.ts";
import { modelOptions } from "./model-options.ts";
import { metricsOptions } from "./metrics-options.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { processOptions } from "./process-options.ts";
import { rateLimitOptions } from "./rate-limit-options.ts";
import type { ServerOptions } from "./server-options.ts";
import { traceEnvironmentVariables, traceOptions } from "./trace-options.ts";

/** A field of {@link ServerOptions} that a command-line option sets. */
export type OptionField = Exclude<keyof ServerOptions, "escapeLogMessages" | "cloudSettings">;

/**
 * Every option of this release, by the field that it sets: the parser, `--help` and `docs/options.md` are made from
 * this table, and a field without a row does not compile. An option stands here only when the server acts on it.
 */
export const optionTable: { readonly [F in OptionField]: OptionDefinition<ServerOptions[F]> } = {
  ...processOptions,
  ...modelOptions,
  ...cacheOptions,
  ...rateLimitOptions,
  ...listenerOptions,
  ...grpcTransportOptions,
  ...metricsOptions,
  ...traceOptions,
};

/** The fields in the order of the table. */
export const optionFields: readonly OptionField[] = Object.keys(optionTable).filter(
  (key): key is OptionField => key in optionTable,
);

/** An option that ends the program at once instead of setting anything. */
export interface ActionOption {
  readonly flag: string;
  readonly doc: string;
}

/** The options outside every group. */
export const actionOptions = {
  help: { flag: "--help", doc: "Print this list and exit." },
  version: { flag: "--version", doc: "Print the version and exit." },
} as const satisfies Record<string, ActionOption>;

/** A setting that is read from the environment because Triton reads it from there. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly doc: string;
  /** Of the same kind as its values: a boolean, an integer or a text. "": none. */
  readonly defaultValue: boolean | number | string;
}

/** The environment variables that the server reads. */
export const environmentVariables = {
  escapeLogMessages: {
    name: "TRITON_SERVER_ESCAPE_LOG_MESSAGES",
    doc:
      "Write log messages as quoted JSON strings, so that each record is one line. Turn off (0) to read messages as " +
      "they are; texts sent by clients can then forge log lines.",
    defaultValue: true,
  },
  ...traceEnvironmentVariables,
  ...cloudEnvironmentVariables,
} as const satisfies Record<string, EnvironmentVariable>;
