import { nearest } from "../core/edit-distance.ts";

/** Why a text is not a value of an option. */
export class ValueProblem {
  /** Continues `Bad option: "--flag" …`, e.g. `expects an integer from 0 to 65535, got "x"`. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  static expected(allowed: string, text: string): ValueProblem {
    return new ValueProblem(`expects ${allowed}, got ${JSON.stringify(text)}`);
  }
}

/** How the text of an argument becomes the value of an option. */
export interface OptionValue<T> {
  /** What `--help` prints after the flag; `null`: the option takes no value. */
  readonly placeholder: string | null;
  /** The allowed texts, in words that fit after "expects". */
  readonly allowed: string;
  /** The option may be given several times and all values count; otherwise the last one wins. */
  readonly isRepeatable: boolean;
  /**
   * @param text - The argument as given.
   * @param previous - What the option's earlier occurrences, or its default, made.
   */
  read(text: string, previous: T): T | ValueProblem;
}

/** An option with one value, the last one given. */
function single<T>(
  placeholder: string,
  allowed: string,
  parse: (text: string) => T | undefined,
): OptionValue<T> {
  return {
    placeholder,
    allowed,
    isRepeatable: false,
    read: (text) => {
      const value = parse(text);
      return value === undefined ? ValueProblem.expected(allowed, text) : value;
    },
  };
}

const booleanTexts = new Map([
  ["true", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["off", false],
  ["0", false],
]);

/** Reads a yes or no in any of the accepted spellings, letter case aside; `undefined` when it is none of them. */
export function parseBoolean(text: string): boolean | undefined {
  return booleanTexts.get(text.toLowerCase());
}

/** The spellings that {@link parseBoolean} accepts, in words. */
export const allowedBooleans = "true, on, 1, false, off or 0 in any letter case";

/** A boolean that must be written out: `--allow-http=false`. */
export const booleanValue = single("<bool>", allowedBooleans, parseBoolean);

/** Reads a decimal integer, sign allowed; `undefined` when it is none or cannot be held exactly. */
export function parseInteger(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** An integer within `min` and `max`, both included. */
export function integerValue(min: number, max: number): OptionValue<number> {
  return single("<int>", `an integer from ${min} to ${max}`, (text) => {
    const value = parseInteger(text);
    return value !== undefined && value >= min && value <= max ? value : undefined;
  });
}

/** The port numbers a listener may use, in words. */
export const allowedPorts = "an integer from 0 to 65535, where 0 takes any free port";

/** A port. The range is checked later, and only for listeners that are on: Triton ignores the others' ports. */
export const portValue = single("<int>", allowedPorts, parseInteger);

/** Verbosity: a level from 0, or a boolean for "level 1" and "none". */
export const verbosityValue: OptionValue<number> = single(
  "<int or bool>",
  "an integer from 0 to 2147483647, or true, on, false or off",
  (text) => {
    const level = parseInteger(text);
    if (level !== undefined) return level >= 0 && level <= 2_147_483_647 ? level : undefined;
    const isOn = parseBoolean(text);
    return isOn === undefined ? undefined : Number(isOn);
  },
);

/** Any text but the empty one. */
export function textValue(placeholder: string): OptionValue<string> {
  return single(placeholder, "a value that is not empty", (text) => (text === "" ? undefined : text));
}

/** A part of a file's name, without its extension: it must not lead anywhere else. */
export function fileStemValue(placeholder: string): OptionValue<string> {
  return single(placeholder, "a file's name without directories", (text) =>
    text === "" || /[/\\\0]/.test(text) ? undefined : text,
  );
}

/** A path, where the empty text means none. */
export const optionalPathValue: OptionValue<string | null> = single("<path>", "a path", (text) =>
  text === "" ? null : text,
);

/** One of a few words; letter case matters. */
export function choiceValue<T extends string>(choices: readonly T[]): OptionValue<T> {
  const allowed = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  return {
    placeholder: `<${choices.join("|")}>`,
    allowed,
    isRepeatable: false,
    read: (text) => {
      const choice = choices.find((candidate) => candidate === text);
      if (choice !== undefined) return choice;
      const { message } = ValueProblem.expected(allowed, text);
      const suggestion = nearest(text, choices);
      return new ValueProblem(suggestion === null ? message : `${message}; did you mean ${suggestion}?`);
    },
  };
}

/** An option without a value: being there sets it to `value`. */
export function presenceValue<T>(value: T): OptionValue<T> {
  return { placeholder: null, allowed: "no value", isRepeatable: false, read: () => value };
}

/** An option that may be given several times: every value is kept, in order. */
export function listValue<T>(
  placeholder: string,
  allowed: string,
  parse: (text: string) => T | ValueProblem,
): OptionValue<readonly T[]> {
  return {
    placeholder,
    allowed,
    isRepeatable: true,
    read: (text, previous) => {
      const value = parse(text);
      return value instanceof ValueProblem ? value : [...previous, value];
    },
  };
}

/** A list of texts, none of them empty. */
export function textListValue(placeholder: string): OptionValue<readonly string[]> {
  const allowed = "a value that is not empty";
  return listValue(placeholder, allowed, (text) =>
    text === "" ? ValueProblem.expected(allowed, text) : text,
  );
}
