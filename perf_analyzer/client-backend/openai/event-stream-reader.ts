/**
 * Reads server-sent events, however their bytes are cut. Only their data matters here.
 *
 * @see HTML standard, section 9.2.6
 */
export class EventStreamReader {
  readonly #onData: (data: string) => void;
  readonly #decoder = new TextDecoder();
  #pending = "";
  #data: string[] = [];

  /** @param onData - Told the data of each event; lines are joined by line feeds. */
  constructor(onData: (data: string) => void) {
    this.#onData = onData;
  }

  /** @param bytes - Not kept. */
  push(bytes: Uint8Array): void {
    const text = this.#pending + this.#decoder.decode(bytes, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#onLine(text.slice(start, text[end - 1] === "\r" && end > start ? end - 1 : end));
      start = end + 1;
    }
    this.#pending = text.slice(start);
  }

  #onLine(line: string): void {
    if (line === "") {
      if (this.#data.length > 0) this.#onData(this.#data.join("\n"));
      this.#data = [];
    } else if (line.startsWith("data:")) {
      this.#data.push(line.slice(line[5] === " " ? 6 : 5));
    }
  }
}
