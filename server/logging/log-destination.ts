import { openSync, writeSync } from "node:fs";
import { StatusError } from "../core/status.ts";

/** Where log lines go. */
export interface LogDestination {
  /** Writes whole lines. Never throws: a server must not fail because its log does. */
  write(lines: string): void;
  /** Writes what still waits, for a short time at most. Called before the process ends. */
  flush(): void;
}

/** The system calls of {@link FileDestination}, replaceable in tests. */
export interface DestinationSystem {
  /** As `fs.writeSync`: returns the bytes written, throws an error with a `code`. */
  write(fd: number, bytes: Uint8Array): number;
  /** Calls back a little later, without keeping the process alive for it. */
  later(callback: () => void): void;
  /** Blocks the thread for about a millisecond. */
  pause(): void;
}

const retryDelayMs = 20;

const realSystem: DestinationSystem = {
  write: (fd, bytes) => writeSync(fd, bytes),
  later: (callback) => {
    setTimeout(callback, retryDelayMs).unref();
  },
  pause: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  },
};

/** A reader that is slower than the log costs at most this much memory; then records are dropped and counted. */
const maxBacklogBytes = 1_048_576;

/** About 100 ms: a reader that has not caught up by then is taken for dead. */
const maxFlushPauses = 100;

/** A record that has not been written, or not to its end. */
interface Waiting {
  bytes: Uint8Array;
  /** How many lost records it begins by telling of. */
  readonly lostCount: number;
}

/**
 * A file descriptor.
 *
 * @remarks
 * Lines are written synchronously: a record is in the kernel's hands when `write` returns, so none is lost when the
 * process exits or crashes right after it, which is when the log matters most. A write costs some microseconds, and
 * with the default settings nothing is logged per request. Only when a pipe is full (EAGAIN) do lines wait in memory.
 */
export class FileDestination implements LogDestination {
  readonly #fd: number;
  readonly #system: DestinationSystem;
  readonly #backlog: Waiting[] = [];
  #backlogBytes = 0;
  /** Records lost and not yet told of in the log. */
  #lostCount = 0;
  #isRetryPlanned = false;

  constructor(fd: number, system: DestinationSystem = realSystem) {
    this.#fd = fd;
    this.#system = system;
  }

  write(lines: string): void {
    const lostCount = this.#lostCount;
    const bytes = Buffer.from(lostCount === 0 ? lines : `${describeLoss(lostCount)}${lines}`);
    if (this.#backlog.length > 0 && this.#backlogBytes + bytes.byteLength > maxBacklogBytes) {
      this.#lostCount++;
      return;
    }
    this.#lostCount = 0;
    this.#backlog.push({ bytes, lostCount });
    this.#backlogBytes += bytes.byteLength;
    // With others waiting before it, its turn comes with the next retry.
    if (this.#backlog.length === 1) this.#drain();
  }

  flush(): void {
    this.#drain();
    for (let pauses = 0; this.#backlog.length > 0 && pauses < maxFlushPauses; pauses++) {
      this.#system.pause();
      this.#drain();
    }
  }

  /** Writes the backlog until it is empty or the descriptor takes no more for now. */
  #drain(): void {
    for (let head = this.#backlog[0]; head !== undefined; head = this.#backlog[0]) {
      const { bytes, lostCount } = head;
      try {
        const writtenBytes = this.#system.write(this.#fd, bytes);
        this.#backlogBytes -= writtenBytes;
        if (writtenBytes < bytes.byteLength) head.bytes = bytes.subarray(writtenBytes);
        else this.#backlog.shift();
      } catch (error) {
        if (isTryAgain(error)) {
          this.#retryLater();
          return;
        }
        // A closed pipe or a full disk. Nobody can be told but the log itself, if it ever works again.
        this.#backlog.shift();
        this.#backlogBytes -= bytes.byteLength;
        this.#lostCount += lostCount + 1;
      }
    }
  }

  #retryLater(): void {
    if (this.#isRetryPlanned) return;
    this.#isRetryPlanned = true;
    this.#system.later(() => {
      this.#isRetryPlanned = false;
      this.#drain();
    });
  }
}

function isTryAgain(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}

function describeLoss(count: number): string {
  return `(${count} log records could not be written)\n`;
}

/** The process's standard error. */
export function stderrDestination(): LogDestination {
  return new FileDestination(2);
}

/**
 * Opens a log file for appending; it is made when there is none.
 *
 * @throws StatusError INVALID_ARG when it cannot be opened, naming the path and the reason.
 */
export function openLogFile(path: string): LogDestination {
  try {
    return new FileDestination(openSync(path, "a"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StatusError("INVALID_ARG", `Cannot open the log file "${path}": ${reason}`, { cause: error });
  }
}
