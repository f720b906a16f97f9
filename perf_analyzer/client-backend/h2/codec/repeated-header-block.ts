import { type HeaderField, staticFieldIndex, staticNameIndex } from "./hpack-static-table.ts";

/** Room that a field takes in a table beside its bytes. @see RFC 7541, section 4.1 */
const fieldOverheadBytes = 32;
/** Fields of the dynamic table are numbered from here, the newest first. */
const firstDynamicIndex = 62;

/**
 * The header block of requests that all have the same headers. The first one of a connection puts the fields into the
 * server's table; all others are a few bytes that refer to it.
 *
 * @see RFC 7541, section 6
 */
export class RepeatedHeaderBlock {
  /** For a server without a table. */
  readonly plain: Buffer;
  /** For the first request of a connection. */
  readonly first: Buffer;
  /** For all after it. */
  readonly repeated: Buffer;
  /** What the server's table has to hold. */
  readonly tableBytes: number;

  /** @param fields - Pseudo headers first. */
  constructor(fields: readonly HeaderField[]) {
    const unknown = fields.filter((field) => staticFieldIndex(field) === 0);
    const encode = (encodeUnknown: (field: HeaderField) => Buffer): Buffer =>
      Buffer.concat(
        fields.map((field) => {
          const index = staticFieldIndex(field);
          return index === 0 ? encodeUnknown(field) : integer(0x80, 7, index);
        }),
      );
    this.plain = encode((field) => literal(0x00, 4, field));
    this.first = encode((field) => literal(0x40, 6, field));
    this.repeated = encode((field) =>
      integer(0x80, 7, firstDynamicIndex + unknown.length - 1 - unknown.indexOf(field)),
    );
    this.tableBytes = unknown.reduce(
      (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + fieldOverheadBytes,
      0,
    );
  }
}

function literal(kind: number, prefixBits: number, [name, value]: HeaderField): Buffer {
  const index = staticNameIndex(name);
  const nameBytes =
    index === 0 ? [integer(kind, prefixBits, 0), text(name)] : [integer(kind, prefixBits, index)];
  return Buffer.concat([...nameBytes, text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([integer(0, 7, bytes.length), bytes]);
}

function integer(kind: number, prefixBits: number, value: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([kind | value]);
  const bytes = [kind | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
