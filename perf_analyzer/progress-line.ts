/** A line of a terminal that is written over and over. Does nothing where the output is no terminal. */
export class ProgressLine {
  readonly #stream: { readonly isTTY?: boolean; write(text: string): unknown };
  #isShown = false;

  constructor(stream: { readonly isTTY?: boolean; write(text: string): unknown }) {
    this.#stream = stream;
  }

  show(text: string): void {
    if (this.#stream.isTTY !== true) return;
    this.#isShown = true;
    this.#stream.write(`\r\u001b[K${text}`);
  }

  /** Before anything else is printed. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#stream.write("\r\u001b[K");
  }
}
