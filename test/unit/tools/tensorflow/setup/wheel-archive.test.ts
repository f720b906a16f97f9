import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { describe, it } from "mocha";
import { WheelArchive } from "../../../../../tools/tensorflow/setup/wheel-archive.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

interface File {
  readonly name: string;
  readonly content: Uint8Array;
  readonly method: number;
}

/** A ZIP file as Python's zipfile writes it. @param declaredSize - Instead of the content's own. */
function zip(files: readonly File[], declaredSize?: number): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, method } of files) {
    const packed = method === 8 ? deflateRawSync(content) : Buffer.from(content);
    const size = declaredSize ?? content.byteLength;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(4, 28);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(packed.byteLength, 20);
    entry.writeUInt32LE(size, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name));
    // Four bytes of an extra field: they belong to no content.
    const whole = Buffer.concat([local, Buffer.from(name), Buffer.from("xtra"), packed]);
    parts.push(whole);
    offset += whole.byteLength;
  }
  const table = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(table.byteLength, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(7, 20);
  return Buffer.concat([...parts, table, end, Buffer.from("comment")]);
}

const files: readonly File[] = [
  { name: "tensorflow/a.h", content: Buffer.from("x".repeat(100_000)), method: 8 },
  { name: "tensorflow/b.so", content: Uint8Array.of(1, 2, 3), method: 0 },
  { name: "empty", content: new Uint8Array(0), method: 0 },
];

describe("WheelArchive", () => {
  const directory = useTestDirectory();

  function write(name: string, bytes: Uint8Array): string {
    const file = directory.in(name);
    writeFileSync(file, bytes);
    return file;
  }

  it("lists the files and takes them out, deflated or stored", async () => {
    const archive = await WheelArchive.open(write("a.whl", zip(files)));
    assert.deepEqual(
      archive.entries.map(({ name, sizeBytes }) => [name, sizeBytes]),
      files.map(({ name, content }) => [name, content.byteLength]),
    );
    for (const [index, { content }] of files.entries()) {
      const target = directory.in("out", "deep", String(index));
      await archive.extract(archive.entries[index]!, target);
      assert.deepEqual(readFileSync(target), Buffer.from(content));
    }
    await archive.close();
  });

  it("refuses what is no archive, one that is cut off, and an unknown method", async () => {
    await assert.rejects(WheelArchive.open(write("b.whl", Buffer.from("<html>"))), /is no wheel/);
    const whole = zip(files);
    await assert.rejects(
      WheelArchive.open(write("c.whl", whole.subarray(0, whole.length - 40))),
      /is no wheel/,
    );
    const unknown = zip([{ name: "a", content: Uint8Array.of(1), method: 12 }]);
    await assert.rejects(WheelArchive.open(write("d.whl", unknown)), /method 12/);
  });

  it("refuses content of another size than its directory says", async () => {
    const archive = await WheelArchive.open(write("e.whl", zip(files.slice(0, 1), 99)));
    const target = directory.in("e.h");
    await assert.rejects(archive.extract(archive.entries[0]!, target), /100000 bytes instead of 99/);
    await archive.close();
  });
});
