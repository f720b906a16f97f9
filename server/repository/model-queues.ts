/**
 * Runs operations on models: those on one model one after the other, in the order in which they were asked for; those
 * on different models side by side.
 */
export class ModelQueues {
  /** The last operation of each model that has any; settles when it has ended, however it did. */
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Runs an operation when those before it on the same model have ended.
   *
   * @returns What the operation returns or throws.
   */
  run<T>(modelName: string, operation: () => Promise<T>): Promise<T> {
    const result = (this.#tails.get(modelName) ?? Promise.resolve()).then(operation);
    const forget = (): void => {
      if (this.#tails.get(modelName) === tail) this.#tails.delete(modelName);
    };
    const tail: Promise<void> = result.then(forget, forget);
    this.#tails.set(modelName, tail);
    return result;
  }

  /** Resolves when all operations that were asked for until now have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values());
  }
}
