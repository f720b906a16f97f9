import { jsonKind } from "../../../../../server/http/codec/json-cursor.ts";
import { readNumber } from "../../../../../server/http/codec/json-number.ts";
import { JsonReader } from "../../../../../server/http/codec/json-reader.ts";

/** A reader over the UTF-8 of `text`, or over bytes as they are. */
export function readerOf(text: string | Uint8Array): JsonReader {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  return new JsonReader(bytes, 0, bytes.byteLength);
}

/** The whole document as JSON.parse would give it, made of nothing but the reader's tokens. */
export function readTree(text: string | Uint8Array): unknown {
  const reader = readerOf(text);
  const tree = readValue(reader);
  reader.expectEnd();
  return tree;
}

function readValue(reader: JsonReader): unknown {
  switch (reader.kind()) {
    case jsonKind.object: {
      const members: [string, unknown][] = [];
      for (let key = reader.enterObject("test"); key !== null; key = reader.nextKey()) {
        members.push([key, readValue(reader)]);
      }
      return Object.fromEntries(members);
    }
    case jsonKind.array: {
      const elements: unknown[] = [];
      for (let more = reader.enterArray("test"); more; more = reader.nextElement()) {
        elements.push(readValue(reader));
      }
      return elements;
    }
    case jsonKind.string:
      return reader.readString("test");
    case jsonKind.number:
      return readNumber(reader);
    case jsonKind.boolean:
      return reader.readBoolean("test");
    default:
      reader.readWord("null");
      return null;
  }
}
