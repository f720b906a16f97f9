import { ProtoReader, wireType } from "./proto-reader.ts";

/** The value of a log setting; `null`: the client sent none. */
export type LogSettingValue = boolean | number | string | null;

/** A log setting as a client sent it. */
export interface SentLogSetting {
  readonly name: string;
  readonly value: LogSettingValue;
}

const messageName = "LogSettingsRequest";

const settingsTag = (1 << 3) | wireType.delimited;
/** Of an entry of the map. */
const keyTag = (1 << 3) | wireType.delimited;
const valueTag = (2 << 3) | wireType.delimited;
/** Of a `SettingValue`. */
const boolTag = (1 << 3) | wireType.varint;
const uint32Tag = (2 << 3) | wireType.varint;
const stringTag = (3 << 3) | wireType.delimited;

/**
 * Reads a LogSettingsRequest.
 *
 * @returns The settings in the order of the message, which a map does not promise to keep.
 * @throws StatusError INVALID_ARG when the bytes are no such message.
 */
export function readLogSettings(bytes: Buffer): SentLogSetting[] {
  const reader = new ProtoReader(bytes, messageName);
  const settings: SentLogSetting[] = [];
  while (reader.offset < reader.end) {
    const tag = reader.tag(messageName);
    if (tag === settingsTag) settings.push(nested(reader, "settings", readEntry));
    else reader.skip(tag, messageName);
  }
  return settings;
}

function readEntry(reader: ProtoReader): SentLogSetting {
  let name = "";
  let value: LogSettingValue = null;
  while (reader.offset < reader.end) {
    const tag = reader.tag("settings");
    if (tag === keyTag) name = reader.text("the name of a setting");
    else if (tag === valueTag) value = nested(reader, "the value of a setting", readValue);
    else reader.skip(tag, "settings");
  }
  return { name, value };
}

function readValue(reader: ProtoReader): LogSettingValue {
  let value: LogSettingValue = null;
  while (reader.offset < reader.end) {
    const tag = reader.tag("SettingValue");
    if (tag === stringTag) value = reader.text("string_param");
    else if (tag === boolTag) {
      reader.varint64("bool_param");
      value = reader.low !== 0 || reader.high !== 0;
    } else if (tag === uint32Tag) {
      reader.varint64("uint32_param");
      value = reader.low;
    } else reader.skip(tag, "SettingValue");
  }
  return value;
}

/** Reads a message inside another one. */
function nested<T>(reader: ProtoReader, field: string, read: (reader: ProtoReader) => T): T {
  const outerEnd = reader.end;
  reader.end = reader.delimitedEnd(field);
  const message = read(reader);
  reader.end = outerEnd;
  return message;
}
