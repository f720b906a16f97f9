import { decodeHuffman } from "./huffman-code.ts";
import { staticTable } from "./hpack-static-table.ts";

/**
 * Reads the fields of a header block. There is no dynamic table: the connection tells the server to use none
 * (SETTINGS_HEADER_TABLE_SIZE 0), so that equal responses have equal bytes and need not be read again.
 *
 * @param block - A whole block: HEADERS with its CONTINUATIONs.
 * @returns Values by name; of a name that comes twice, the last.
 * @throws Error when the block is broken, or refers to a table that must not be there.
 * @see RFC 7541, section 6
 */
export function decodeHeaderBlock(block: Uint8Array): ReadonlyMap<string, string> {
  return new BlockReader(block).fields();
}

class BlockReader {
  readonly #block: Uint8Array;
  #at = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  fields(): ReadonlyMap<string, string> {
    const fields = new Map<string, string>();
    while (this.#at < this.#block.length) {
      const first = this.#block[this.#at]!;
      if (first >= 0x80) {
        const [name, value] = this.#known(this.#integer(7));
        fields.set(name, value);
      } else if (first >= 0x40) {
        this.#literal(6, fields);
      } else if (first >= 0x20) {
        if (this.#integer(5) !== 0)
          throw new Error("the server uses a header table that it was told not to use");
      } else {
        this.#literal(4, fields);
      }
    }
    return fields;
  }

  #literal(prefixBits: number, fields: Map<string, string>): void {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#text() : this.#known(index)[0];
    fields.set(name, this.#text());
  }

  #known(index: number): (typeof staticTable)[number] {
    const field = staticTable[index - 1];
    if (field === undefined) throw new Error(`the server refers to header ${index}, which is in no table`);
    return field;
  }

  /** The first byte holds so many bits of it; all of them set means that more bytes follow, seven bits each. */
  #integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor > 2 ** 28) throw new Error("a header's length is out of range");
    }
  }

  #text(): string {
    const isCompressed = (this.#block[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Error("a header is cut off");
    this.#at += length;
    return isCompressed ? decodeHuffman(bytes) : Buffer.from(bytes).toString("latin1");
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new Error("a header is cut off");
    return byte;
  }
}
