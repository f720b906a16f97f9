import type { RandomSource } from "./random-source.ts";

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

const strangeNumbers = [
  "0",
  "-0",
  "-1",
  "1.0",
  "1e3",
  "1e999",
  "-1e999",
  "2147483648",
  "9007199254740993",
  "9223372036854775808",
  "18446744073709551616",
  "4611686018427387904",
  "NaN",
  "Infinity",
  "-Infinity",
  "-Inf",
  "nan",
  "01",
  "1.",
  ".5",
  "+1",
  "0x10",
  "1e",
  "123456789012345678901234567890123456789012345678901234567890",
] as const;
const strangeTexts = [
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83e\\udd80"',
  '"\\x"',
  '"\\u12"',
  '"tab\there"',
  "'single'",
  '"__proto__"',
  '"constructor"',
  '"INT32"',
  '"BYTES"',
  '"FP16"',
  '"OUTPUT0"',
  '"INPUT0"',
  '"é\u{1f980}"',
  '"open',
] as const;
const strangeValues = [
  "null",
  "true",
  "false",
  "[]",
  "{}",
  "[[]]",
  '{"a":{"b":[1,{"c":null}]}}',
  "undefined",
  "",
  "[1,]",
  '{"a":1,}',
  '{"binary_data_size":18446744073709551615}',
  '{"binary_data_size":-1}',
  '{"binary_data_size":64}',
  '{"classification":2}',
  '{"classification":-3}',
  '{"binary_data":true}',
  '{"shared_memory_region":"r"}',
] as const;

/** Wraps a value in lists or objects, deeper than any limit. */
function nested(random: RandomSource): string {
  const depth = random.pick([5, 50, 99, 100, 101, 120, 5000, 50_000]);
  const [open, close] = random.pick([
    ["[", "]"],
    ['{"a":', "}"],
    ["[[", "]]"],
  ] as const);
  return `${open.repeat(depth)}1${random.onceIn(3) ? "" : close.repeat(depth)}`;
}

function strangeJson(random: RandomSource): string {
  if (random.onceIn(12)) return nested(random);
  if (random.onceIn(12)) return `[${new Array<string>(random.below(3000)).fill("1").join()}]`;
  return random.pick(random.pick<readonly string[]>([strangeNumbers, strangeTexts, strangeValues]));
}

function countOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, member) => sum + countOf(member), 1);
}

/**
 * Writes a document with some of its values replaced, members left out, given twice, or in another order: what a
 * wrong client sends, not what a broken line makes of it.
 */
export function mutatedJson(document: Json, random: RandomSource): string {
  let victims = new Set(Array.from({ length: random.below(3) + 1 }, () => random.below(countOf(document))));
  // A document is mostly tensor data: look at its other members as well.
  if (random.onceIn(2)) victims = new Set([random.below(Math.min(countOf(document), 12))]);
  let position = -1;
  const write = (value: Json): string => {
    position++;
    if (victims.has(position)) return strangeJson(random);
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    if (Array.isArray(value)) return `[${(value as readonly Json[]).map(write).join()}]`;
    const members = Object.entries(value).flatMap(([name, member]) => {
      const text = `${JSON.stringify(name)}:${write(member)}`;
      if (random.onceIn(40)) return [];
      return random.onceIn(40) ? [text, text] : [text];
    });
    if (random.onceIn(30)) members.push(`${JSON.stringify(random.word(12))}:${strangeJson(random)}`);
    if (random.onceIn(10)) members.reverse();
    return `{${members.join()}}`;
  };
  return write(document);
}

/** Flips, removes, doubles or inserts some bytes. */
export function mutatedBytes(bytes: Uint8Array, random: RandomSource): Buffer {
  let result = Buffer.from(bytes);
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(result.byteLength + 1);
    const to = Math.min(result.byteLength, at + random.below(random.onceIn(4) ? 200 : 5));
    const before = result.subarray(0, at);
    switch (random.below(5)) {
      case 0:
        if (at < result.byteLength) result[at] = random.below(256);
        break;
      case 1:
        result = Buffer.concat([before, result.subarray(to)]);
        break;
      case 2:
        result = Buffer.concat([before, result.subarray(at, to), result.subarray(at)]);
        break;
      case 3:
        result = Buffer.concat([before, random.bytes(random.below(9)), result.subarray(at)]);
        break;
      default:
        result = Buffer.from(before);
    }
  }
  return result;
}
