import { nearest } from "../core/edit-distance.ts";
import { type OptionField, optionFields, optionTable } from "../options/option-table.ts";

/** An option of a sub-command itself, that the server does not have. */
export interface OwnOption {
  readonly flag: string;
  readonly takesValue: boolean;
}

/** The arguments of a sub-command, sorted. */
export interface CommandArguments {
  /** What is no option, in order. */
  readonly positionals: readonly string[];
  /** The sub-command's own options, the last value of each; "" for those without a value. */
  readonly own: ReadonlyMap<string, string>;
  /** Options of the server, as its parser takes them. */
  readonly server: readonly string[];
}

/**
 * Sorts the arguments of a sub-command.
 *
 * @param ownOptions - The options that only the sub-command has.
 * @param serverFields - The server's options that mean something to it. Any other one is refused: it would be ignored.
 * @returns The arguments, or what is wrong with them.
 */
export function readCommandArguments(
  args: readonly string[],
  ownOptions: readonly OwnOption[],
  serverFields: readonly OptionField[],
): CommandArguments | string {
  const positionals: string[] = [];
  const own = new Map<string, string>();
  const server: string[] = [];
  const queue = [...args];
  for (let argument = queue.shift(); argument !== undefined; argument = queue.shift()) {
    if (!argument.startsWith("-")) {
      positionals.push(argument);
      continue;
    }
    const equals = argument.indexOf("=");
    const flag = equals < 0 ? argument : argument.slice(0, equals);
    const option = ownOptions.find((candidate) => candidate.flag === flag);
    if (option === undefined) {
      const field = fieldOf(flag, serverFields);
      if (field === null) return unknownOption(flag, ownOptions, serverFields);
      server.push(argument);
      const next = queue[0];
      if (optionTable[field].value.placeholder !== null && equals < 0 && next?.startsWith("--") === false) {
        server.push(next);
        queue.shift();
      }
    } else if (!option.takesValue) {
      if (equals >= 0) return `${flag} takes no value, got ${JSON.stringify(argument.slice(equals + 1))}`;
      own.set(flag, "");
    } else {
      const value = equals < 0 ? queue.shift() : argument.slice(equals + 1);
      if (value === undefined || value === "") return `${flag} expects a value, but none follows`;
      own.set(flag, value);
    }
  }
  return { positionals, own, server };
}

function flagsOf(field: OptionField): readonly string[] {
  const { flag, aliases = [] } = optionTable[field];
  return [flag, ...aliases];
}

function fieldOf(flag: string, fields: readonly OptionField[]): OptionField | null {
  return fields.find((field) => flagsOf(field).includes(flag)) ?? null;
}

function unknownOption(
  flag: string,
  ownOptions: readonly OwnOption[],
  serverFields: readonly OptionField[],
): string {
  const known = [...ownOptions.map((option) => option.flag), ...serverFields.flatMap(flagsOf), "--help"];
  if (fieldOf(flag, optionFields) !== null) {
    return `${flag} is an option of the server that means nothing here; options are ${known.join(", ")}`;
  }
  const near = nearest(flag, known);
  return `Unknown option ${JSON.stringify(flag)}${near === null ? `; options are ${known.join(", ")}` : `, did you mean ${near}?`}`;
}
