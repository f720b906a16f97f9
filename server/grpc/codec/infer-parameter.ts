import type { ParameterValue } from "../../core/inference-request.ts";
import { type ProtoReader, wireType } from "./proto-reader.ts";

/** Members of the `InferParameter` oneof; "none" when the message is empty. */
export type ParameterChoice =
  | "none"
  | "bool_param"
  | "int64_param"
  | "string_param"
  | "double_param"
  | "uint64_param";

/** One entry of a `map<string, InferParameter>`. */
export interface ParameterEntry {
  readonly key: string;
  readonly choice: ParameterChoice;
  /** Integers beyond 2^53 are `bigint`; `false` when {@link choice} is "none". */
  readonly value: ParameterValue;
}

/** Map entries are messages of their own: key 1, value 2. */
const entryKey = (1 << 3) | wireType.delimited;
const entryValue = (2 << 3) | wireType.delimited;

/**
 * Reads a map entry that lies at the reader's offset, length first.
 *
 * @param field - Of the map, for error messages.
 */
export function readParameterEntry(reader: ProtoReader, field: string): ParameterEntry {
  const outerEnd = reader.end;
  reader.end = reader.delimitedEnd(field);
  let key = "";
  let parameter: Omit<ParameterEntry, "key"> = { choice: "none", value: false };
  while (reader.offset < reader.end) {
    const tag = reader.tag(field);
    if (tag === entryKey) {
      key = reader.name(field);
    } else if (tag === entryValue) {
      const entryEnd = reader.end;
      reader.end = reader.delimitedEnd(field);
      parameter = readParameter(reader, field, parameter);
      reader.end = entryEnd;
    } else {
      reader.skip(tag, field);
    }
  }
  reader.end = outerEnd;
  return { key, choice: parameter.choice, value: parameter.value };
}

/** Reads an InferParameter up to the reader's end. The last member of the oneof wins, as protobuf has it. */
function readParameter(
  reader: ProtoReader,
  field: string,
  previous: Omit<ParameterEntry, "key">,
): Omit<ParameterEntry, "key"> {
  let parameter = previous;
  while (reader.offset < reader.end) {
    const tag = reader.tag(field);
    switch (tag) {
      case (1 << 3) | wireType.varint:
        reader.varint64(field);
        parameter = { choice: "bool_param", value: (reader.low | reader.high) !== 0 };
        break;
      case (2 << 3) | wireType.varint:
        reader.varint64(field);
        parameter = { choice: "int64_param", value: integerValue(reader.low, reader.high | 0) };
        break;
      case (3 << 3) | wireType.delimited:
        parameter = { choice: "string_param", value: reader.text(field) };
        break;
      case (4 << 3) | wireType.fixed64:
        parameter = { choice: "double_param", value: reader.double(field) };
        break;
      case (5 << 3) | wireType.varint:
        reader.varint64(field);
        parameter = { choice: "uint64_param", value: integerValue(reader.low, reader.high) };
        break;
      default:
        reader.skip(tag, field);
    }
  }
  return parameter;
}

/** @param high - Signed for int64, unsigned for uint64. */
function integerValue(low: number, high: number): number | bigint {
  const value = high * 0x1_0000_0000 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}
