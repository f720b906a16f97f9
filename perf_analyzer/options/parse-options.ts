import type { AnalyzerOptions } from "./analyzer-options.ts";
import { findConflict } from "./cross-checks.ts";
import { nearestOf } from "./edit-distance.ts";
import { findMlperfConflict } from "./mlperf-checks.ts";
import { explainRefused, explainRefusedKind, refusedFlags } from "./not-supported-options.ts";
import { type OptionField, optionFields, optionTable } from "./option-table.ts";
import { ValueProblem } from "./option-value.ts";
import { syncFlag } from "./request-options.ts";

/** What a command line asks for. */
export type CommandLine =
  | { readonly kind: "run"; readonly options: AnalyzerOptions }
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "error"; readonly message: string };

type Draft = { -readonly [F in OptionField]: AnalyzerOptions[F] };

const helpFlags: readonly string[] = ["-h", "-?", "--help"];
const versionFlag = "--version";

const fieldByFlag = new Map<string, OptionField>(
  optionFields.flatMap((field) => {
    const { flag, aliases = [] } = optionTable[field];
    return [flag, ...aliases].map((name): [string, OptionField] => [name, field]);
  }),
);

const knownFlags = [...fieldByFlag.keys(), ...refusedFlags, ...helpFlags, versionFlag, syncFlag];

/** A flag and the value written in the same argument, if any. */
interface Argument {
  readonly flag: string;
  readonly inlineValue: string | null;
}

/**
 * Reads a command line: `--flag value`, `--flag=value`, `-f value` or `-fvalue`. Pure.
 *
 * @returns Complete options, or why there are none. The first problem, `--help` or `--version` ends the reading.
 */
export function parseOptions(argv: readonly string[]): CommandLine {
  const draft = defaults();
  const queue = [...argv];
  const given = new Set<string>();
  for (let text = queue.shift(); text !== undefined; text = queue.shift()) {
    for (const argument of splitArgument(text)) {
      const { flag } = argument;
      if (!flag.startsWith("-")) {
        return error(`Unexpected argument ${JSON.stringify(flag)}: options are written --flag value`);
      }
      if (helpFlags.includes(flag)) return { kind: "help" };
      if (flag === versionFlag) return { kind: "version" };
      const problem = readArgument(draft, argument, queue);
      if (problem !== null) return error(problem);
      given.add(flag);
    }
  }
  if (given.has(syncFlag) && (given.has("-a") || given.has("--async"))) {
    return error("Give only one of --async and --sync");
  }
  if (draft.modelName === "") return error("-m <model> is missing: say which model to measure");
  const conflict = findMlperfConflict(draft, given) ?? findConflict(draft);
  return conflict === null ? { kind: "run", options: Object.freeze(draft) } : error(conflict);
}

function readArgument(draft: Draft, argument: Argument, queue: string[]): string | null {
  const { flag } = argument;
  if (flag === syncFlag) {
    draft.isAsync = false;
    return argument.inlineValue === null ? null : `Bad option: "${flag}" takes no value`;
  }
  const field = fieldByFlag.get(flag);
  if (field !== undefined) return readOption(draft, field, argument, queue);
  const refusal = explainRefused(flag);
  if (refusal !== null) return refusal;
  const suggestion = nearestOf(flag, knownFlags);
  return `Unknown option ${JSON.stringify(flag)}${suggestion === null ? "" : `, did you mean ${suggestion}?`}`;
}

function readOption<F extends OptionField>(
  draft: Pick<Draft, F>,
  field: F,
  { flag, inlineValue }: Argument,
  queue: string[],
): string | null {
  const { value } = optionTable[field];
  let text = inlineValue ?? "";
  if (value.placeholder === null) {
    if (inlineValue !== null) return `Bad option: "${flag}" takes no value, got ${JSON.stringify(text)}`;
  } else if (inlineValue === null) {
    const next = queue.shift();
    if (next === undefined) return `Bad option: "${flag}" expects ${value.allowed}, but no value follows`;
    text = next;
  }
  if (field === "serviceKind") {
    const refusal = explainRefusedKind(text);
    if (refusal !== null) return refusal;
  }
  const result = value.read(text, draft[field]);
  if (result instanceof ValueProblem) return `Bad option: "${flag}" ${result.message}`;
  draft[field] = result;
  return null;
}

/** `--flag=value`, `-fvalue`, and `-vv`, which is two arguments. */
function splitArgument(text: string): readonly Argument[] {
  if (!text.startsWith("--") && /^-[a-zA-Z]./.test(text)) {
    const flag = text.slice(0, 2);
    const rest = text.slice(2);
    const field = fieldByFlag.get(flag);
    if (field !== undefined && optionTable[field].value.placeholder !== null) {
      return [{ flag, inlineValue: rest.startsWith("=") ? rest.slice(1) : rest }];
    }
    if (/^-v+$/.test(text))
      return Array.from({ length: text.length - 1 }, () => ({ flag: "-v", inlineValue: null }));
    return [{ flag: text, inlineValue: null }];
  }
  const equals = text.indexOf("=");
  if (equals < 0 || !text.startsWith("-")) return [{ flag: text, inlineValue: null }];
  return [{ flag: text.slice(0, equals), inlineValue: text.slice(equals + 1) }];
}

/** The cast is sound because the table has a row for each field: its type says so. */
function defaults(): Draft {
  return Object.fromEntries(
    optionFields.map((field) => [field, optionTable[field].defaultValue]),
  ) as unknown as Draft;
}

function error(message: string): CommandLine {
  return { kind: "error", message };
}
