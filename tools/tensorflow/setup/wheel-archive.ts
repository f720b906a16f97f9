import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import path from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";
import { SetupError } from "./setup-error.ts";

/** A file in an archive. */
export interface ArchiveEntry {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly packedBytes: number;
  readonly sizeBytes: number;
  /** Of the entry's own header. */
  readonly headerOffset: number;
}

const endOfDirectory = { signature: 0x06054b50, sizeBytes: 22, longestCommentBytes: 0xffff } as const;
const directoryEntry = { signature: 0x02014b50, sizeBytes: 46 } as const;
const localHeader = { signature: 0x04034b50, sizeBytes: 30 } as const;
const deflated = 8;
const stored = 0;

/**
 * A wheel, which is a ZIP file below 4 GiB: enough of the format to take single files out, so that neither Python nor
 * unzip has to be on the machine.
 *
 * @see APPNOTE.TXT of the ZIP format, sections 4.3.7, 4.3.12 and 4.3.16
 */
export class WheelArchive {
  readonly entries: readonly ArchiveEntry[];
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(archive: string, file: FileHandle, entries: readonly ArchiveEntry[]) {
    this.#path = archive;
    this.#file = file;
    this.entries = entries;
  }

  /** @throws SetupError when the file is no archive. */
  static async open(archive: string): Promise<WheelArchive> {
    const file = await open(archive, "r");
    try {
      return new WheelArchive(archive, file, await readDirectory(file, archive));
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  /** Writes an entry to a file, whose folder is made. @throws Error when it is damaged. */
  async extract(entry: ArchiveEntry, target: string, mode = 0o644): Promise<void> {
    const header = await readAt(this.#file, entry.headerOffset, localHeader.sizeBytes);
    if (header.readUInt32LE(0) !== localHeader.signature)
      throw new SetupError(`'${entry.name}' in the wheel is damaged`);
    const start =
      entry.headerOffset + localHeader.sizeBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
    await mkdir(path.dirname(target), { recursive: true });
    if (entry.packedBytes === 0) {
      await pipeline(new PassThrough().end(), createWriteStream(target, { mode }));
      return;
    }
    const end = start + entry.packedBytes - 1;
    const packed = createReadStream(this.#path, { start, end, highWaterMark: 1 << 20 });
    const unpack = entry.isDeflated ? createInflateRaw({ chunkSize: 1 << 20 }) : new PassThrough();
    const sink = createWriteStream(target, { mode });
    await pipeline(packed, unpack, sink);
    if (sink.bytesWritten !== entry.sizeBytes)
      throw new SetupError(
        `'${entry.name}' in the wheel is damaged: ${sink.bytesWritten} bytes instead of ${entry.sizeBytes}`,
      );
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function readDirectory(file: FileHandle, archive: string): Promise<ArchiveEntry[]> {
  const { size } = await file.stat();
  const tailBytes = Math.min(size, endOfDirectory.sizeBytes + endOfDirectory.longestCommentBytes);
  const tail = await readAt(file, size - tailBytes, tailBytes);
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(endOfDirectory.signature);
  const end = tail.lastIndexOf(signature);
  if (end < 0 || end + endOfDirectory.sizeBytes > tail.length)
    throw new SetupError(`'${archive}' is no wheel: it has no directory of its files`);
  const directory = await readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: ArchiveEntry[] = [];
  for (let at = 0; at + directoryEntry.sizeBytes <= directory.length; ) {
    if (directory.readUInt32LE(at) !== directoryEntry.signature) break;
    const nameEnd = at + directoryEntry.sizeBytes + directory.readUInt16LE(at + 28);
    const method = directory.readUInt16LE(at + 10);
    const name = directory.toString("utf8", at + directoryEntry.sizeBytes, nameEnd);
    if (method !== deflated && method !== stored)
      throw new SetupError(`'${name}' in '${archive}' is packed with method ${method}, which is not known`);
    entries.push({
      name,
      isDeflated: method === deflated,
      packedBytes: directory.readUInt32LE(at + 20),
      sizeBytes: directory.readUInt32LE(at + 24),
      headerOffset: directory.readUInt32LE(at + 42),
    });
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  if (entries.length !== tail.readUInt16LE(end + 10))
    throw new SetupError(`'${archive}' is damaged: its directory of files ends too early`);
  return entries;
}
