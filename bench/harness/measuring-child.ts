import { type ChildProcess, fork } from "node:child_process";

/**
 * A child process that measures something by itself when asked, one question at a time.
 *
 * @typeParam Question - What is sent; must survive JSON.
 * @typeParam Answer - What comes back.
 */
export class MeasuringChild<Question extends object, Answer> {
  readonly #name: string;
  readonly #child: ChildProcess;

  /** @param script - URL of the compiled module that answers `process.on("message")`. */
  constructor(name: string, script: URL) {
    this.#name = name;
    this.#child = fork(script, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  /** @throws Error when the child ends instead of answering. */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => {
        reject(new Error(`${this.#name} ended with code ${String(code)} before it answered`));
      };
      this.#child.once("exit", onExit);
      this.#child.once("message", (answer) => {
        this.#child.off("exit", onExit);
        resolve(answer as Answer);
      });
      this.#child.send(question);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await exited;
  }
}
