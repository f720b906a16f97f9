import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** Longest time that a server may take to stop by itself. */
const stopPatienceMs = 10_000;

/** A server in a process of its own, started and stopped by the bench. */
export class ChildServer {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #output = "";

  /** @param args - Arguments of `node`: the script first, or options before it. */
  constructor(name: string, args: readonly string[]) {
    this.name = name;
    // The channel is for scripts that answer {@link ask}; others do not see it.
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
    this.#child.stdout?.on("data", this.#keep);
    this.#child.stderr?.on("data", this.#keep);
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
    });
  }

  get pid(): number {
    const pid = this.#child.pid;
    if (pid === undefined) throw new Error(`${this.name} could not be started`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Waits until `isReady` says so, asking every `pollMs`.
   *
   * @throws Error with the server's output when it ends or takes longer than 30 s.
   */
  async waitUntil(isReady: () => Promise<boolean>, pollMs: number): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (!(await isReady())) {
      if (!this.isRunning) throw new Error(`${this.name} ended before it was ready:\n${this.#output}`);
      if (performance.now() > deadline)
        throw new Error(`${this.name} was not ready in 30 s:\n${this.#output}`);
      await delay(pollMs);
    }
  }

  /**
   * Sends a question over the channel to a script that answers there. One at a time.
   *
   * @throws Error when the server ends instead.
   */
  ask(question: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error(`${this.name} ended before it answered:\n${this.#output}`));
      this.#child.once("exit", onExit);
      this.#child.once("message", (answer) => {
        this.#child.off("exit", onExit);
        resolve(answer);
      });
      this.#child.send(question);
    });
  }

  /** @throws Error with the server's output when it has ended by itself. */
  assertRunning(): void {
    if (!this.isRunning) throw new Error(`${this.name} died during the measurement:\n${this.#output}`);
  }

  /** Asks the server to end and, when it does not, ends it. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill("SIGTERM");
    const patience = setTimeout(() => this.#child.kill("SIGKILL"), stopPatienceMs);
    await this.#exited;
    clearTimeout(patience);
  }

  /** The last output is all that a failed start leaves. */
  readonly #keep = (chunk: Buffer): void => {
    this.#output = (this.#output + chunk.toString()).slice(-8_000);
  };
}
