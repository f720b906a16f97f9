import { nearest } from "../core/edit-distance.ts";
import { defaultCloudSettings } from "../repository/cloud/cloud-settings.ts";
import { cloudSettingsFrom } from "./cloud-environment.ts";
import { findConflict, findOptionsWithoutEffect } from "./cross-checks.ts";
import { explainNotSupported } from "./not-supported-options.ts";
import {
  actionOptions,
  environmentVariables,
  optionFields,
  optionTable,
  type OptionField,
} from "./option-table.ts";
import { allowedBooleans, parseBoolean, ValueProblem } from "./option-value.ts";
import type { ServerOptions } from "./server-options.ts";
import { deprecatedTraceOptions, traceDefaultsFrom } from "./trace-options.ts";

/** What a command line asks for. */
export type CommandLine =
  | {
      readonly kind: "serve";
      readonly options: ServerOptions;
      /** Options that were given and change nothing: for the log. */
      readonly warnings: readonly string[];
    }
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | OptionsError;

/** A command line that cannot be followed. The message names the option, what is allowed and what was meant. */
export interface OptionsError {
  readonly kind: "error";
  readonly message: string;
}

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Draft = { -readonly [F in keyof ServerOptions]: ServerOptions[F] };

const fieldByFlag = new Map<string, OptionField>(
  optionFields.flatMap((field) => {
    const { flag, aliases = [] } = optionTable[field];
    return [flag, ...aliases].map((name): [string, OptionField] => [name, field]);
  }),
);

const knownFlags = [...fieldByFlag.keys(), actionOptions.help.flag, actionOptions.version.flag];

/**
 * Reads a command line. Pure: nothing else of the server looks at `process.argv` or the environment.
 *
 * @param argv - The arguments after the program's name: `--flag value` or `--flag=value`.
 * @param env - The environment variables.
 * @returns Complete options, or why there are none. Arguments are read from left to right and the first problem, or
 * `--help` or `--version`, ends the reading.
 */
export function parseOptions(argv: readonly string[], env: Environment): CommandLine {
  const draft = defaults();
  const traceDefaults = traceDefaultsFrom(env);
  draft.traceConfig = traceDefaults.config;
  draft.cloudSettings = cloudSettingsFrom(env);
  const given = new Set<OptionField>();
  const deprecations: string[] = [];
  const queue = [...argv];
  for (let argument = queue.shift(); argument !== undefined; argument = queue.shift()) {
    const { flag, inlineValue } = splitArgument(argument);
    if (!flag.startsWith("-")) {
      return error(
        `Unexpected argument ${JSON.stringify(argument)}: options are written --flag value or --flag=value`,
      );
    }
    const action =
      flag === actionOptions.help.flag ? "help" : flag === actionOptions.version.flag ? "version" : null;
    if (action !== null) {
      return inlineValue === null ? { kind: action } : error(takesNoValue(flag, inlineValue));
    }
    const traceSetting = deprecatedTraceOptions.get(flag);
    const field = traceSetting === undefined ? fieldByFlag.get(flag) : "traceConfig";
    if (field === undefined) return error(explainNotSupported(flag) ?? explainUnknown(flag));

    const problem = readOption(draft, field, { flag, inlineValue, queue, setting: traceSetting ?? null });
    if (problem !== null) return error(problem);
    given.add(field);
    if (traceSetting !== undefined) {
      deprecations.push(`${flag} is deprecated: write --trace-config=${traceSetting}=<value>`);
    }
  }
  if (!given.has("metricsAddress")) draft.metricsAddress = draft.httpAddress;
  if (draft.traceConfig.mode === "opentelemetry" && traceDefaults.problem !== null) {
    return error(traceDefaults.problem);
  }
  const commandLine = finish(draft, given, env);
  if (commandLine.kind !== "serve") return commandLine;
  return { ...commandLine, warnings: [...deprecations, ...commandLine.warnings] };
}

function finish(draft: Draft, given: ReadonlySet<OptionField>, env: Environment): CommandLine {
  const { name } = environmentVariables.escapeLogMessages;
  const text = env[name];
  if (text !== undefined) {
    const isOn = parseBoolean(text);
    if (isOn === undefined) {
      return error(`Environment variable ${name} expects ${allowedBooleans}, got ${JSON.stringify(text)}`);
    }
    draft.escapeLogMessages = isOn;
  }
  const conflict = findConflict(draft);
  if (conflict !== null) return error(conflict);
  const { responseCacheByteSize: sizeBytes } = draft;
  if (sizeBytes > 0) draft.cacheConfig = { name: "local", sizeBytes };
  for (const value of Object.values(draft)) Object.freeze(value);
  return { kind: "serve", options: Object.freeze(draft), warnings: findOptionsWithoutEffect(draft, given) };
}

/** One occurrence of an option, and the arguments after it. */
interface Occurrence {
  readonly flag: string;
  /** What follows the `=`, or `null` when there is none. */
  readonly inlineValue: string | null;
  /** The arguments not read yet; the value is taken from its head. */
  readonly queue: string[];
  /** The flag is a deprecated spelling of an option with keys: the key that it sets. Else `null`. */
  readonly setting: string | null;
}

/** Puts the option's value into the draft. Returns the problem, or `null`. */
function readOption<F extends OptionField>(
  draft: Pick<Draft, F>,
  field: F,
  occurrence: Occurrence,
): string | null {
  const { flag, inlineValue, queue, setting } = occurrence;
  const { value } = optionTable[field];
  if (value.placeholder === null && inlineValue !== null) return takesNoValue(flag, inlineValue);
  let text = inlineValue ?? "";
  if (value.placeholder !== null && inlineValue === null) {
    const next = queue[0];
    // A value that begins with two dashes can still be given, after an equals sign.
    if (next === undefined || next.startsWith("--")) {
      return `Bad option: "${flag}" expects ${value.allowed}, but no value follows`;
    }
    queue.shift();
    text = next;
  }
  const result = value.read(setting === null ? text : `${setting}=${text}`, draft[field]);
  if (result instanceof ValueProblem) return `Bad option: "${flag}" ${result.message}`;
  draft[field] = result;
  return null;
}

/** The cast is sound because the table has a row for each field: its type says so. */
function defaults(): Draft {
  const table = Object.fromEntries(optionFields.map((field) => [field, optionTable[field].defaultValue]));
  return {
    ...(table as unknown as Draft),
    escapeLogMessages: environmentVariables.escapeLogMessages.defaultValue,
    cloudSettings: defaultCloudSettings,
  };
}

function splitArgument(argument: string): { flag: string; inlineValue: string | null } {
  const equals = argument.indexOf("=");
  if (equals < 0 || !argument.startsWith("-")) return { flag: argument, inlineValue: null };
  return { flag: argument.slice(0, equals), inlineValue: argument.slice(equals + 1) };
}

function takesNoValue(flag: string, text: string): string {
  return `Bad option: "${flag}" takes no value, got ${JSON.stringify(text)}`;
}

/** Triton's parser also takes unambiguous beginnings of flags; here they are errors, with the whole flag named. */
function explainUnknown(flag: string): string {
  const completions = knownFlags.filter((known) => known.startsWith(flag));
  const suggestion = completions.length === 1 ? completions[0] : nearest(flag, knownFlags);
  const hint = suggestion == null ? "" : `, did you mean ${suggestion}?`;
  return `Unknown option ${JSON.stringify(flag)}${hint}`;
}

function error(message: string): OptionsError {
  return { kind: "error", message };
}
