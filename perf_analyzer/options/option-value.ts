/** Why a text is not a value of an option: continues `Bad option: "--flag" …`. */
export class ValueProblem {
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
  /** @param previous - What earlier occurrences, or the default, made. */
  read(text: string, previous: T): T | ValueProblem;
}

function single<T>(
  placeholder: string,
  allowed: string,
  parse: (text: string) => T | undefined,
): OptionValue<T> {
  return {
    placeholder,
    allowed,
    read: (text) => {
      const value = parse(text);
      return value === undefined ? ValueProblem.expected(allowed, text) : value;
    },
  };
}

/** A decimal integer without a sign; `undefined` when the text is none. */
function parseWhole(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A decimal number without a sign, with or without a fraction; `undefined` when the text is none. */
function parseDecimal(text: string): number | undefined {
  return /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : undefined;
}

/** An integer within `min` and `max`, both included. */
export function wholeValue(min: number, max: number): OptionValue<number> {
  const allowed =
    max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`;
  return single("<int>", allowed, (text) => {
    const value = parseWhole(text);
    return value !== undefined && value >= min && value <= max ? value : undefined;
  });
}

/** The same, for an option that has no value unless it is given. */
export function optionalWholeValue(min: number, max: number): OptionValue<number | null> {
  const value = wholeValue(min, max);
  return { ...value, read: (text) => value.read(text, 0) };
}

/** A number of at least `min`. */
export function decimalValue(min: number): OptionValue<number> {
  return single("<number>", `a number of at least ${min}`, (text) => {
    const value = parseDecimal(text);
    return value !== undefined && value >= min ? value : undefined;
  });
}

/** `-1` for the average, or a percentile. */
export const percentileValue: OptionValue<number | null> = single(
  "<int>",
  "-1 for the average, or an integer from 1 to 99",
  (text) => {
    if (text === "-1") return null;
    const value = parseWhole(text);
    return value !== undefined && value >= 1 && value <= 99 ? value : undefined;
  },
);

/** Any text but the empty one. */
export function textValue(placeholder: string): OptionValue<string> {
  return single(placeholder, "a value that is not empty", (text) => (text === "" ? undefined : text));
}

/** The same, for an option that has no value unless it is given. */
export function optionalTextValue(placeholder: string): OptionValue<string | null> {
  const value = textValue(placeholder);
  return { ...value, read: (text) => value.read(text, "") };
}

/** One of a few words; letter case matters. */
export function choiceValue<T extends string>(choices: readonly T[]): OptionValue<T> {
  const allowed = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  return single(`<${choices.join("|")}>`, allowed, (text) => choices.find((choice) => choice === text));
}

/** `0` or `1`. */
export const switchValue: OptionValue<boolean> = single("<0|1>", "0 or 1", (text) =>
  text === "0" ? false : text === "1" ? true : undefined,
);

/** An option without a value: being there sets it. */
export function presenceValue<T>(value: T): OptionValue<T> {
  return { placeholder: null, allowed: "no value", read: () => value };
}

/** An option without a value that counts how often it is there. */
export const countValue: OptionValue<number> = {
  placeholder: null,
  allowed: "no value",
  read: (_text, previous) => previous + 1,
};

/** An option that may be given several times: every value is kept, in order. */
export function listValue<T>(
  placeholder: string,
  allowed: string,
  parse: (text: string) => T | undefined,
): OptionValue<readonly T[]> {
  return {
    placeholder,
    allowed,
    read: (text, previous) => {
      const value = parse(text);
      return value === undefined ? ValueProblem.expected(allowed, text) : [...previous, value];
    },
  };
}

/** Load levels from `start` to `end`, both included, `step` apart. */
export interface LevelRange {
  readonly start: number;
  /** 0: no end, until the latency threshold is passed. */
  readonly end: number;
  readonly step: number;
}

/** `start[:end[:step]]`; the end defaults to the start, the step to 1. */
export function rangeValue(kind: "integer" | "number"): OptionValue<LevelRange | null> {
  const allowed = `<start>[:<end>[:<step>]], each ${kind === "integer" ? "an integer" : "a number"}, start and step above 0, end 0 or not below start`;
  const parse = kind === "integer" ? parseWhole : parseDecimal;
  return single("<start:end:step>", allowed, (text) => {
    const parts = text.split(":").map(parse);
    const [start, end = start, step = 1] = parts;
    if (parts.length > 3 || parts.includes(undefined) || start === undefined || end === undefined) {
      return undefined;
    }
    if (start <= 0 || step <= 0 || (end !== 0 && end < start)) return undefined;
    return { start, end, step };
  });
}
