import {
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  closeSync,
} from "node:fs";
import path from "node:path";

/** Where Linux shows POSIX shared memory objects as files. */
const directory = "/dev/shm";

/** Whether this system shows shared memory objects as files, which is how tests make them. */
export const hasSharedMemoryFiles: boolean = existsSync(directory);

let objectCount = 0;

/** A POSIX shared memory object of its own, as a client would make it. */
export class SharedMemoryObject {
  /** As `shm_open` takes it. */
  readonly key: string;
  readonly #path: string;

  /** @param content - Its first bytes; it is as large as they are. */
  constructor(content: Uint8Array) {
    this.key = `/nereid-test-${process.pid}-${objectCount++}`;
    this.#path = path.join(directory, this.key);
    writeFileSync(this.#path, content);
  }

  /** A copy of some of its bytes as they are now. */
  read(offset: number, byteLength: number): Buffer {
    const bytes = Buffer.alloc(byteLength);
    const fd = openSync(this.#path, "r");
    readSync(fd, bytes, 0, byteLength, offset);
    closeSync(fd);
    return bytes;
  }

  /** Overwrites it from `offset` on. */
  write(bytes: Uint8Array, offset = 0): void {
    const all = readFileSync(this.#path);
    all.set(bytes, offset);
    // In place: the object stays the same one.
    writeFileSync(this.#path, all, { flag: "r+" });
  }

  truncate(byteLength: number): void {
    truncateSync(this.#path, byteLength);
  }

  /** Removes its name; memory that is mapped stays. */
  unlink(): void {
    rmSync(this.#path, { force: true });
  }
}
