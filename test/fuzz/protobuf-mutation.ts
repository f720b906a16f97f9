import { mutatedBytes } from "./json-mutation.ts";
import type { RandomSource } from "./random-source.ts";

/** A field as it stands on the wire. */
interface WireField {
  readonly number: number;
  readonly wireType: number;
  /** Without the tag; of a delimited field without the length. */
  readonly value: Buffer;
}

const delimited = 2;

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** @returns `null` when the bytes go on beyond the end. */
function varintEnd(bytes: Buffer, start: number): number | null {
  for (let offset = start; offset < Math.min(bytes.byteLength, start + 10); offset++) {
    if (bytes[offset]! < 0x80) return offset + 1;
  }
  return null;
}

function varintValue(bytes: Buffer): bigint {
  return bytes.reduceRight((value, byte) => (value << 7n) | BigInt(byte & 0x7f), 0n);
}

/** Splits a message into its fields. @returns `null` for bytes that are no message. */
function fieldsOf(message: Buffer): WireField[] | null {
  const fields: WireField[] = [];
  for (let offset = 0; offset < message.byteLength; ) {
    const tagEnd = varintEnd(message, offset);
    if (tagEnd === null) return null;
    const tag = Number(varintValue(message.subarray(offset, tagEnd)));
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    let start = tagEnd;
    let end: number | null = null;
    if (wireType === 0) end = varintEnd(message, tagEnd);
    if (wireType === 1) end = tagEnd + 8;
    if (wireType === 5) end = tagEnd + 4;
    if (wireType === delimited) {
      const lengthEnd = varintEnd(message, tagEnd);
      if (lengthEnd === null) return null;
      start = lengthEnd;
      end = lengthEnd + Number(varintValue(message.subarray(tagEnd, lengthEnd)));
    }
    if (end === null || end > message.byteLength || number === 0) return null;
    fields.push({ number, wireType, value: message.subarray(start, end) });
    offset = end;
  }
  return fields;
}

const strangeIntegers = [
  0n,
  1n,
  127n,
  128n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 40n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 69n,
] as const;
const strangeTexts = [
  "",
  "\0",
  "simple",
  "INPUT0",
  "INT32",
  "BYTES",
  "FP16",
  "BF16",
  "x".repeat(3000),
  "..",
  "a/b",
  "é\u{1f980}",
  "18446744073709551616",
  "-1",
  "1",
] as const;

function encodeField({ number, wireType, value }: WireField, length = BigInt(value.byteLength)): Buffer {
  const tag = varint(BigInt(number) * 8n + BigInt(wireType));
  return wireType === delimited ? Buffer.concat([tag, varint(length), value]) : Buffer.concat([tag, value]);
}

function mutatedField(field: WireField, random: RandomSource, depth: number): Buffer {
  const nested = field.wireType === delimited && field.value.byteLength > 0 ? fieldsOf(field.value) : null;
  if (nested !== null && depth < 4 && !random.onceIn(4)) {
    return encodeField({ ...field, value: mutatedFields(nested, random, depth + 1) });
  }
  switch (random.below(8)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return Buffer.concat([encodeField(field), encodeField(field)]);
    case 2:
      return encodeField({ ...field, wireType: random.below(8) });
    case 3:
      return encodeField(field, random.pick(strangeIntegers));
    case 4:
      return encodeField({
        ...field,
        number: random.pick([0, 1, 2, 5, 7, 15, 16, 1000, 536_870_911, 536_870_912]),
      });
    case 5:
      return encodeField({ ...field, value: Buffer.from(random.pick(strangeTexts)), wireType: delimited });
    case 6:
      return encodeField({ ...field, value: varint(random.pick(strangeIntegers)), wireType: 0 });
    default:
      return encodeField({ ...field, value: mutatedBytes(field.value, random) });
  }
}

function mutatedFields(fields: readonly WireField[], random: RandomSource, depth: number): Buffer {
  const victim = random.below(Math.max(1, fields.length));
  const written = fields.map((field, index) =>
    index === victim ? mutatedField(field, random, depth) : encodeField(field),
  );
  if (random.onceIn(15)) written.reverse();
  if (random.onceIn(15)) written.push(random.bytes(random.below(12)));
  return Buffer.concat(written);
}

/** A message whose fields are wrong in one place or another, or bytes that are hardly a message any more. */
export function mutatedMessage(message: Buffer, random: RandomSource): Buffer {
  if (random.onceIn(10)) return Buffer.from(message);
  if (random.onceIn(8)) return random.bytes(random.below(60));
  if (random.onceIn(5)) return mutatedBytes(message, random);
  if (random.onceIn(60)) return nestedGroups(random);
  return mutatedFields(fieldsOf(message) ?? [], random, 0);
}

/** Groups in groups: nobody sends them any more, and every reader must still skip or refuse them. */
function nestedGroups(random: RandomSource): Buffer {
  const depth = random.pick([10, 101, 20_000]);
  return Buffer.concat([
    Buffer.alloc(depth, 15 * 8 + 3),
    Buffer.alloc(random.onceIn(2) ? depth : 0, 15 * 8 + 4),
  ]);
}
