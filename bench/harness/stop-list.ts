/** Something that runs beside the bench and has to be stopped. */
export interface Stoppable {
  stop(): Promise<void>;
}

/** What a case has started. Stopped in the reverse order, whatever happens. */
export class StopList {
  readonly #started: Stoppable[] = [];

  /** Takes over the stopping of `started` and returns it. */
  add<T extends Stoppable>(started: T): T {
    this.#started.push(started);
    return started;
  }

  async stopAll(): Promise<void> {
    for (const each of this.#started.splice(0).reverse()) await each.stop();
  }
}
