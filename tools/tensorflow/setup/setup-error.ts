/** A step of the set-up that cannot go on. The message says what was wrong and what helps. */
export class SetupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SetupError";
  }
}
