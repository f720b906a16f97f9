import type { ChildProcess } from "node:child_process";

/** A process is not given more memory for what it says than this. */
const keptCharacters = 64_000;

/** How a process ended, and what it said at last. */
export interface ChildEnd {
  /** `null`: a signal ended it, or it never started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Keeps what a process says, and tells when it ends. The process must have pipes for both. */
export class ChildOutput {
  readonly ended: Promise<ChildEnd>;
  #stdout = "";
  #stderr = "";

  constructor(child: ChildProcess) {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-keptCharacters);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptCharacters);
    });
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve({ code: null, stdout: "", stderr: error.message }));
      child.once("close", (code) => resolve({ code, stdout: this.#stdout, stderr: this.#stderr }));
    });
  }

  get stderr(): string {
    return this.#stderr;
  }
}
