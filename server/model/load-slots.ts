/** Bounds how many things load at the same time. Who comes first is served first. */
export class LoadSlots {
  #limit: number;
  #busyCount = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Changes the bound. Loads under way go on; with a higher bound those that wait may begin at once. */
  setLimit(limit: number): void {
    this.#limit = limit;
    this.#admit();
  }

  /** Runs `load` once a slot is free. */
  async run<T>(load: () => Promise<T>): Promise<T> {
    if (this.#busyCount < this.#limit) this.#busyCount++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await load();
    } finally {
      this.#busyCount--;
      this.#admit();
    }
  }

  /** The slots go to the next in line without being free in between. */
  #admit(): void {
    while (this.#busyCount < this.#limit) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#busyCount++;
      next();
    }
  }
}
