import { createRequire } from "node:module";
import type { Reader } from "protobufjs";

/**
 * Reads protocol buffers by a table of fields. The library's own decoders are generated while they are first used, which
 * takes longer than reading a model, in each instance's thread anew; its `Reader` alone is quick to load.
 */
const require = createRequire(import.meta.url);
const protobuf = require("protobufjs/minimal.js") as { readonly Reader: typeof Reader };

/** How one value of a field is read. */
type ScalarType = "string" | "bytes" | "bool" | "int32" | "int64" | "float" | "double" | "fixed32";
type FieldType = ScalarType | MessageSchema;

/**
 * One field of a message. `one` is its type's zero when absent (`null` for a message), `member` is then not there at all:
 * for the members of a oneof. Keys of a `map` are strings.
 */
interface Field {
  readonly name: string;
  readonly rule: "one" | "member" | "list" | "map";
  readonly type: FieldType;
}

/** The fields of a message by their numbers. Others are skipped. */
export type MessageSchema = ReadonlyMap<number, Field>;

type Value = string | number | boolean | Uint8Array | Message | null;
/** A read message: lists and maps are there even when empty. */
interface Message {
  [name: string]: Value | Value[] | Record<string, Value>;
}

export const one = (name: string, type: FieldType): Field => ({ name, rule: "one", type });
export const member = (name: string, type: FieldType): Field => ({ name, rule: "member", type });
export const list = (name: string, type: FieldType): Field => ({ name, rule: "list", type });
export const map = (name: string, type: FieldType): Field => ({ name, rule: "map", type });

/** A table of fields. */
export function schema(fields: Readonly<Record<number, Field>>): MessageSchema {
  return new Map(Object.entries(fields).map(([number, field]) => [Number(number), field]));
}

const wireTypes = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

const wireTypeOf: Readonly<Record<ScalarType, number>> = {
  string: wireTypes.lengthDelimited,
  bytes: wireTypes.lengthDelimited,
  bool: wireTypes.varint,
  int32: wireTypes.varint,
  int64: wireTypes.varint,
  float: wireTypes.fixed32,
  double: wireTypes.fixed64,
  fixed32: wireTypes.fixed32,
};

/**
 * Reads one message.
 *
 * @returns An object with all fields of the table; bytes are views on the given ones, 64-bit integers rounded to numbers.
 * @throws Error when the bytes end early or a field has another wire type than its own.
 */
export function readMessage(bytes: Uint8Array, fields: MessageSchema): object {
  const reader = protobuf.Reader.create(bytes);
  return readFields(reader, reader.len, fields);
}

function readFields(reader: Reader, end: number, fields: MessageSchema): Message {
  const message = emptyMessage(fields);
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = fields.get(tag >>> 3);
    const wireType = tag & 7;
    if (field === undefined) reader.skipType(wireType);
    else readField(reader, message, field, wireType);
  }
  if (reader.pos !== end)
    throw new RangeError(`a message ends at byte ${end}, its last field at ${reader.pos}`);
  return message;
}

function readField(reader: Reader, message: Message, { name, rule, type }: Field, wireType: number): void {
  const own = typeof type === "string" ? wireTypeOf[type] : wireTypes.lengthDelimited;
  if (rule === "list" && wireType === wireTypes.lengthDelimited && own !== wireType) {
    const values = message[name] as Value[];
    for (const end = endOfPart(reader); reader.pos < end; ) values.push(readValue(reader, type));
    return;
  }
  const expected = rule === "map" ? wireTypes.lengthDelimited : own;
  if (wireType !== expected) throw new Error(`field '${name}' has wire type ${wireType}, not ${expected}`);
  if (rule === "map") {
    const { key, value } = readFields(reader, endOfPart(reader), entryOf(type));
    const missing = typeof type === "string" ? null : emptyMessage(type);
    (message[name] as Record<string, Value>)[key as string] = (value as Value) ?? missing;
  } else if (rule === "list") (message[name] as Value[]).push(readValue(reader, type));
  else message[name] = readValue(reader, type);
}

function entryOf(type: FieldType): MessageSchema {
  return schema({ 1: one("key", "string"), 2: one("value", type) });
}

/** Where the length-delimited part that begins here ends. */
function endOfPart(reader: Reader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError(`${length} bytes are missing at byte ${reader.pos}`);
  return end;
}

function readValue(reader: Reader, type: FieldType): Value {
  switch (type) {
    case "int64":
      return Number(reader.int64());
    case "string":
    case "bytes":
    case "bool":
    case "int32":
    case "float":
    case "double":
    case "fixed32":
      return reader[type]();
    default:
      return readFields(reader, endOfPart(reader), type);
  }
}

const zeros: Readonly<Record<ScalarType, Value>> = {
  string: "",
  bytes: new Uint8Array(0),
  bool: false,
  int32: 0,
  int64: 0,
  float: 0,
  double: 0,
  fixed32: 0,
};

function emptyMessage(fields: MessageSchema): Message {
  const message: Message = {};
  for (const { name, rule, type } of fields.values()) {
    if (rule === "list") message[name] = [];
    // Names come from the file: one of them may be `__proto__`.
    else if (rule === "map") message[name] = Object.create(null) as Record<string, Value>;
    else if (rule === "one") message[name] = typeof type === "string" ? zeros[type] : null;
  }
  return message;
}
