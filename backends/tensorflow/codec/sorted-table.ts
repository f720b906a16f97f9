import { StatusError } from "../../../server/core/status.ts";
import { crc32c, unmaskCrc32c } from "./crc32c.ts";

/**
 * Reads a sorted string table, the file format of LevelDB that `variables.index` has.
 *
 * ```
 * file    := block* metaindex-block index-block footer
 * block   := entry* restart(u32)* restart-count(u32) compression(u8) masked-crc(u32, over block and compression)
 * entry   := shared(varint) unshared(varint) value-length(varint) key-tail value
 * footer  := metaindex-handle index-handle padding magic(u64), 48 bytes
 * handle  := offset(varint) size(varint), without the five bytes behind the block
 * ```
 *
 * @see leveldb doc/table_format.md; TensorFlow's copy is `tensorflow/core/lib/io/table.cc`
 */
const footerBytes = 48;
const trailerBytes = 5;
const magic = 0xdb4775248b80fb57n;

/** A place in the bytes that only moves on. */
class Cursor {
  readonly bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array, offset: number) {
    this.bytes = bytes;
    this.offset = offset;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 56; factor *= 128) {
      const byte = this.bytes[this.offset++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw corrupt("a number runs past its end");
  }

  take(length: number): Uint8Array {
    const end = this.offset + length;
    if (end > this.bytes.byteLength) throw corrupt("an entry runs past the end of its block");
    const taken = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }
}

/** All entries of the table, keys decoded as UTF-8. @throws StatusError INTERNAL when it is damaged. */
export function readSortedTable(file: Uint8Array): Map<string, Uint8Array> {
  if (file.byteLength < footerBytes) throw corrupt(`it has only ${file.byteLength} bytes`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getBigUint64(file.byteLength - 8, true) !== magic) throw corrupt("its end is not that of a table");
  const footer = new Cursor(file, file.byteLength - footerBytes);
  readHandle(footer);
  const entries = new Map<string, Uint8Array>();
  for (const [, handle] of blockEntries(readBlock(file, readHandle(footer)))) {
    const block = readBlock(file, readHandle(new Cursor(handle, 0)));
    for (const [key, value] of blockEntries(block)) entries.set(key.toString("utf8"), value);
  }
  return entries;
}

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

function readHandle(cursor: Cursor): BlockHandle {
  return { offset: cursor.varint(), size: cursor.varint() };
}

function readBlock(file: Uint8Array, { offset, size }: BlockHandle): Uint8Array {
  if (offset + size + trailerBytes > file.byteLength) throw corrupt("a block runs past the end of the file");
  const compression = file[offset + size]!;
  if (compression !== 0) throw corrupt(`a block is compressed (kind ${compression}), which is not supported`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const expected = unmaskCrc32c(view.getUint32(offset + size + 1, true));
  if (crc32c(file.subarray(offset, offset + size + 1)) !== expected)
    throw corrupt("a block's checksum is wrong");
  return file.subarray(offset, offset + size);
}

function* blockEntries(block: Uint8Array): Generator<[Buffer, Uint8Array]> {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const restartCount = view.getUint32(block.byteLength - 4, true);
  const end = block.byteLength - 4 - restartCount * 4;
  const cursor = new Cursor(block, 0);
  let key = Buffer.alloc(0);
  while (cursor.offset < end) {
    const shared = cursor.varint();
    const unshared = cursor.varint();
    const valueLength = cursor.varint();
    key = Buffer.concat([key.subarray(0, shared), cursor.take(unshared)]);
    yield [key, cursor.take(valueLength)];
  }
}

function corrupt(what: string): StatusError {
  return new StatusError("INTERNAL", `the variables' index is damaged: ${what}`);
}
