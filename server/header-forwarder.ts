import type { ParameterValue } from "./core/inference-request.ts";
import { StatusError } from "./core/status.ts";

/** Parameters of a request, from its headers. */
export type ForwardedHeaders = ReadonlyMap<string, string>;

/** Longer names are never forwarded: matching one could take a pattern of an operator's too long. */
const maxNameLength = 64;

/** Names that are found in requests again and again, with what the pattern says of them. */
const maxKnownNames = 1024;

/** Names with a meaning in the protocol, besides those that begin with `triton_`. @see contract §1.8 */
const reservedNames: ReadonlySet<string> = new Set([
  "sequence_id",
  "sequence_start",
  "sequence_end",
  "priority",
  "timeout",
  "binary_data_output",
  "headers",
]);

/** Flags that RE2 takes at the beginning of a pattern. */
const leadingFlags = /^\(\?(-?)i\)/;

/** What remains of a pattern without escaped characters and character classes. */
const escapesAndClasses = /\\.|\[\^?(?:\\.|[^\]\\])*\]/gu;

/**
 * Compiles a pattern for header names. It matches anywhere in a name, in any letter case unless it begins with `(?-i)`.
 *
 * @throws SyntaxError with the reason when it is none, or when a group is repeated: such a pattern can take a time
 * that is exponential in the length of a name, and names are chosen by clients.
 */
export function compileHeaderPattern(pattern: string): RegExp {
  const flags = leadingFlags.exec(pattern);
  const body = pattern.slice(flags?.[0].length ?? 0);
  if (/\)[*+{]/.test(body.replace(escapesAndClasses, "_"))) {
    throw new SyntaxError("a group cannot be repeated");
  }
  return new RegExp(body, flags?.[1] === "-" ? "u" : "iu");
}

/** Chooses the headers that become parameters of an inference request. One per front end. */
export class HeaderForwarder {
  readonly #pattern: RegExp;
  readonly #isWanted = new Map<string, boolean>();

  /** @param pattern - A valid one, as {@link compileHeaderPattern} takes it. */
  constructor(pattern: string) {
    this.#pattern = compileHeaderPattern(pattern);
  }

  /** For an option's value: `null` when it is empty. */
  static of(pattern: string): HeaderForwarder | null {
    return pattern === "" ? null : new HeaderForwarder(pattern);
  }

  /**
   * The headers whose names match; `null` when there are none. Of a header that was sent several times the values are
   * joined with commas, as HTTP has it.
   *
   * @param eachHeader - Calls what it is given with each header, the name in lower case.
   */
  collect(eachHeader: (visit: (name: string, value: string) => void) => void): ForwardedHeaders | null {
    let found: Map<string, string> | null = null;
    eachHeader((name, value) => {
      if (!this.#matches(name)) return;
      found ??= new Map();
      const before = found.get(name);
      found.set(name, before === undefined ? value : `${before}, ${value}`);
    });
    return found;
  }

  #matches(name: string): boolean {
    if (name.length > maxNameLength) return false;
    let isWanted = this.#isWanted.get(name);
    if (isWanted === undefined) {
      isWanted = this.#pattern.test(name);
      if (this.#isWanted.size >= maxKnownNames) this.#isWanted.clear();
      this.#isWanted.set(name, isWanted);
    }
    return isWanted;
  }
}

/**
 * A request's parameters with its forwarded headers. A header wins over a parameter of the same name: a proxy that adds
 * headers is to be believed more than the body behind it.
 *
 * @param parameters - Not changed: it may belong to other requests too.
 * @throws StatusError INVALID_ARG when a header has a reserved name.
 */
export function withForwardedHeaders(
  parameters: ReadonlyMap<string, ParameterValue> | null,
  headers: ForwardedHeaders | null,
): ReadonlyMap<string, ParameterValue> | null {
  if (headers === null) return parameters;
  for (const name of headers.keys()) {
    if (reservedNames.has(name) || name.startsWith("triton_")) {
      throw new StatusError(
        "INVALID_ARG",
        `header '${name}' cannot be forwarded as a parameter: the name is reserved for Triton usage`,
      );
    }
  }
  return new Map([...(parameters ?? []), ...headers]);
}
