import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";

/** The server that was compiled together with this file. */
const entry = path.resolve(import.meta.dirname, "../../server/main.js");

/** A process that neither ends nor reports by then has hung. */
const patienceMs = 30_000;

/** How a process ended. */
export interface ProcessEnd {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The server's program in a process of its own, which never outlives this one. */
export class ServerProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";
  #onOutput: (() => void) | null = null;

  /** @param args - The command line, without the program. */
  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [entry, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#onOutput?.();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      this.#onOutput?.();
    });
    const kill = (): void => {
      child.kill("SIGKILL");
    };
    process.once("exit", kill);
    this.ended = new Promise((resolve) => {
      child.once("close", (code) => {
        process.off("exit", kill);
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr });
        this.#onOutput?.();
      });
    });
  }

  /** Runs the program to its end. @throws Error with its output when it does not end. */
  static async run(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ProcessEnd> {
    const server = new ServerProcess(args, environment);
    const timer = setTimeout(() => server.kill(), patienceMs);
    const end = await server.ended;
    clearTimeout(timer);
    if (end.code === null) throw new Error(`nereid ${args.join(" ")} did not end:\n${end.stderr}`);
    return end;
  }

  /** Of the operating system; -1 when it did not start. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it has written to stderr so far: the log, unless that goes to a file. */
  get log(): string {
    return this.#stderr;
  }

  signal(signal: "SIGTERM" | "SIGINT"): void {
    this.#child.kill(signal);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /**
   * Waits for something in its log.
   *
   * @returns What `find` found.
   * @throws Error with the log when the process ends first or takes too long; it is killed then.
   */
  waitForLog<T>(what: string, find: (log: string) => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = (reason: string): void => {
        this.#onOutput = null;
        clearTimeout(timer);
        this.kill();
        reject(new Error(`nereid ${reason} before its log had ${what}:\n${this.#stderr}`));
      };
      const timer = setTimeout(() => giveUp(`waited ${patienceMs} ms`), patienceMs);
      this.#onOutput = () => {
        const found = find(this.#stderr);
        if (found !== null) {
          this.#onOutput = null;
          clearTimeout(timer);
          resolve(found);
        } else if (!this.isRunning) {
          giveUp("ended");
        }
      };
      this.#onOutput();
    });
  }
}
