import { nearest } from "../../core/edit-distance.ts";
import type { SchemaNode } from "../schema-node.ts";
import type { PbtxtValue } from "./pbtxt-parser.ts";

/** A scalar as protobuf's JSON form has it, or what is wrong with it. */
export type ScalarResult = { readonly value: unknown } | { readonly expected: string };

const trueWords: ReadonlySet<string> = new Set(["true", "True", "t"]);
const falseWords: ReadonlySet<string> = new Set(["false", "False", "f"]);

const integerPattern = /^(-?)(0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*)$/;
const decimalPattern =
  /^-?(?:0|[1-9][0-9]*|(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]+)?)[fF]?$/;

/**
 * Gives a scalar the type of its field. Ranges are the schema's matter, except that a number must be one.
 *
 * @param schema - Of the field, references resolved.
 */
export function readScalar(value: PbtxtValue, schema: SchemaNode): ScalarResult {
  if (schema.enum !== undefined) return readEnum(value, schema.enum);
  switch (schema.type) {
    case "string":
      return value.kind === "string" ? { value: value.text } : { expected: "a text in quotes" };
    case "boolean":
      return readBoolean(value);
    case "integer":
      return readInteger(value);
    default:
      return readFloat(value);
  }
}

/** Names are exact in the text format, unlike in JSON. A number is turned into its name with those of JSON. */
function readEnum(value: PbtxtValue, names: readonly string[]): ScalarResult {
  if (value.kind === "number") {
    const number = readInteger(value);
    if ("value" in number) return number;
  }
  if (value.kind === "word" && names.includes(value.text)) return { value: value.text };
  const written = value.kind === "message" ? "" : value.text;
  const hint =
    value.kind === "string" && names.includes(written)
      ? " without quotes"
      : suggestion(nearest(written, names) ?? names.find((name) => name.endsWith(`_${written}`)) ?? null);
  return { expected: `one of ${names.join(", ")}${hint}` };
}

function suggestion(name: string | null): string {
  return name === null ? "" : ` (did you mean ${name}?)`;
}

function readBoolean(value: PbtxtValue): ScalarResult {
  if (value.kind === "word") {
    if (trueWords.has(value.text)) return { value: true };
    if (falseWords.has(value.text)) return { value: false };
  }
  if (value.kind === "number") {
    const number = readInteger(value);
    if ("value" in number && (number.value === 0 || number.value === 1)) return { value: number.value === 1 };
  }
  return { expected: "true or false" };
}

/** Integers that a JavaScript number cannot hold stay text, as in protobuf's JSON form: the schema refuses them. */
function readInteger(value: PbtxtValue): ScalarResult {
  const match = value.kind === "number" ? integerPattern.exec(value.text) : null;
  const [, sign = "", digits = ""] = match ?? [];
  if (match === null) return { expected: "an integer" };
  const isOctal = digits.length > 1 && /^0[0-7]/.test(digits);
  const magnitude = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  const exact = sign === "-" ? -magnitude : magnitude;
  const number = Number(exact);
  return { value: Number.isSafeInteger(number) ? number : exact.toString() };
}

function readFloat(value: PbtxtValue): ScalarResult {
  if (value.kind === "number" && decimalPattern.test(value.text)) {
    return { value: Number(value.text.replace(/[fF]$/, "")) };
  }
  if (value.kind === "word") {
    const word = value.text.toLowerCase();
    const sign = word.startsWith("-") ? -1 : 1;
    if (/^-?inf(?:inity)?$/.test(word)) return { value: sign * Number.POSITIVE_INFINITY };
    if (/^-?nan$/.test(word)) return { value: Number.NaN };
  }
  return { expected: "a number" };
}
