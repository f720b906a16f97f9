/** How long nothing is said while bytes come. */
const quietMs = 2000;

const mib = 1024 * 1024;

/** Says what the set-up does, and how far a download is. */
export class Progress {
  readonly #write: (line: string) => void;
  readonly #nowMs: () => number;
  #saidMs = 0;

  constructor(write: (line: string) => void, nowMs: () => number = Date.now) {
    this.#write = write;
    this.#nowMs = nowMs;
  }

  step(text: string): void {
    this.#write(`setup:tensorflow: ${text}`);
    this.#saidMs = this.#nowMs();
  }

  /** Called for each piece; says something every two seconds. */
  bytes(what: string, doneBytes: number, totalBytes: number): void {
    if (this.#nowMs() - this.#saidMs < quietMs) return;
    const share = totalBytes === 0 ? "" : ` (${Math.floor((doneBytes / totalBytes) * 100)} %)`;
    this.step(`${what}: ${Math.round(doneBytes / mib)} of ${Math.round(totalBytes / mib)} MiB${share}`);
  }
}
