import { connect, type Socket } from "node:net";

/** A reply as it stood on the wire. */
export interface RawReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** What a connection gave when its peer ended it, and no reply was complete. */
export interface BrokenOff {
  readonly received: Buffer;
}

/** A reply that is not what HTTP says, or does not come. */
export class MalformedReplyError extends Error {}

const separator = Buffer.from("\r\n\r\n");

/**
 * One connection that carries whatever bytes it is told to, and reads replies as strictly as the standard allows: for
 * requests that no HTTP client would send.
 */
export class RawHttpConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;
  #onChange: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#onChange();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#isClosed = true;
      this.#onChange();
    });
  }

  static open(address: URL): Promise<RawHttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(address.port), address.hostname);
      socket.setNoDelay(true);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawHttpConnection(socket));
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Says that nothing more comes. */
  end(): void {
    this.#socket.end();
  }

  /** Breaks the connection off. */
  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * Waits for one reply, skipping interim ones (1xx).
   *
   * @param isHead - Whether it answers HEAD, and has no body whatever its length says.
   * @throws MalformedReplyError when it does not come in time, or is not HTTP.
   */
  async reply(isHead: boolean, patienceMs: number): Promise<RawReply | BrokenOff> {
    for (;;) {
      const reply = await this.#wait(() => this.#takeReply(isHead), patienceMs);
      if (!("status" in reply) || reply.status >= 200) return reply;
    }
  }

  /** Waits until the peer has closed the connection. @returns All that came and was not taken. */
  async closed(patienceMs: number): Promise<Buffer> {
    await this.#wait(() => (this.#isClosed ? true : null), patienceMs);
    return this.#received;
  }

  /** What came and was not taken. */
  get surplus(): Buffer {
    return this.#received;
  }

  #wait<T>(find: () => T | null, patienceMs: number): Promise<T | (T extends true ? never : BrokenOff)> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#onChange = () => undefined;
        reject(new MalformedReplyError(`nothing more came in ${patienceMs} ms: ${shown(this.#received)}`));
      }, patienceMs);
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#onChange = () => undefined;
        act();
      };
      this.#onChange = () => {
        try {
          const found = find();
          if (found !== null) settle(() => resolve(found));
          else if (this.#isClosed) {
            settle(() => resolve({ received: this.#received } as T extends true ? never : BrokenOff));
          }
        } catch (thrown) {
          settle(() => reject(thrown instanceof Error ? thrown : new Error(String(thrown))));
        }
      };
      this.#onChange();
    });
  }

  #takeReply(isHead: boolean): RawReply | null {
    const headEnd = this.#received.indexOf(separator);
    if (headEnd < 0) return null;
    const [statusLine = "", ...lines] = this.#received.toString("latin1", 0, headEnd).split("\r\n");
    const status = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*$/.exec(statusLine)?.[1];
    if (status === undefined) throw new MalformedReplyError(`not a status line: ${shown(this.#received)}`);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new MalformedReplyError(`not a header: ${line}`);
      headers.set(name.toLowerCase(), value);
    }
    const body = this.#takeBody(headEnd + separator.byteLength, headers, isHead || Number(status) < 200);
    return body === null ? null : { status: Number(status), headers, body };
  }

  #takeBody(start: number, headers: ReadonlyMap<string, string>, isWithout: boolean): Buffer | null {
    const length = headers.get("content-length");
    const isChunked = headers.get("transfer-encoding")?.toLowerCase() === "chunked";
    if (isWithout) return this.#take(start, start);
    if (isChunked) return this.#takeChunks(start);
    if (length === undefined || !/^\d+$/.test(length)) {
      throw new MalformedReplyError(`a reply without a length: ${shown(this.#received)}`);
    }
    return this.#received.byteLength < start + Number(length)
      ? null
      : this.#take(start, start + Number(length));
  }

  #takeChunks(start: number): Buffer | null {
    const parts: Buffer[] = [];
    for (let offset = start; ; ) {
      const lineEnd = this.#received.indexOf("\r\n", offset);
      if (lineEnd < 0) return null;
      const size = Number.parseInt(this.#received.toString("latin1", offset, lineEnd), 16);
      if (Number.isNaN(size))
        throw new MalformedReplyError(`not a chunk: ${shown(this.#received.subarray(offset))}`);
      const end = lineEnd + 2 + size + 2;
      if (this.#received.byteLength < end) return null;
      parts.push(this.#received.subarray(lineEnd + 2, lineEnd + 2 + size));
      offset = end;
      if (size === 0) {
        this.#take(start, offset);
        return Buffer.concat(parts);
      }
    }
  }

  #take(start: number, end: number): Buffer {
    const body = this.#received.subarray(start, end);
    this.#received = this.#received.subarray(end);
    return body;
  }
}

/** The beginning of bytes, for people. */
export function shown(bytes: Uint8Array, limit = 1500): string {
  const text = JSON.stringify(Buffer.from(bytes.subarray(0, limit)).toString("latin1"));
  return bytes.byteLength > limit ? `${text}… (${bytes.byteLength} bytes)` : text;
}
