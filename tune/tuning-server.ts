import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { ChildOutput } from "./child-output.ts";
import { peakMemoryMb } from "./resident-memory.ts";

const entry = fileURLToPath(new URL("../server/main.js", import.meta.url));

/** A server without models that does not come up by then never will. */
const startPatienceMs = 60_000;
const pollMs = 20;
/** A server that does not end by itself is ended. */
const stopPatienceMs = 10_000;

/** Where a server listens, `<host>:<port>`. */
interface ServerAddresses {
  readonly http: string;
  readonly grpc: string;
}

/** A server of our own on free ports of the loopback interface, in a process of its own, at first without models. */
export class TuningServer {
  readonly #child: ChildProcess;
  readonly #output: ChildOutput;
  #addresses: ServerAddresses = { http: "", grpc: "" };

  private constructor(repository: string, args: readonly string[]) {
    this.#child = spawn(
      process.execPath,
      [
        entry,
        `--model-repository=${repository}`,
        "--model-control-mode=explicit",
        "--http-address=127.0.0.1",
        "--http-port=0",
        "--grpc-address=127.0.0.1",
        "--grpc-port=0",
        "--allow-metrics=false",
        ...args,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#output = new ChildOutput(this.#child);
  }

  /**
   * Starts a server.
   *
   * @param args - Further options, for loading models.
   * @throws Error with the end of its log when it does not come up, or `signal` is aborted.
   */
  static async start(
    repository: string,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<TuningServer> {
    const server = new TuningServer(repository, args);
    const deadline = performance.now() + startPatienceMs;
    for (;;) {
      const addresses = readAddresses(server.#output.stderr);
      if (addresses !== null) {
        server.#addresses = addresses;
        return server;
      }
      const hasEnded = !server.isRunning;
      if (hasEnded || signal.aborted || performance.now() > deadline) {
        await server.stop();
        const { stderr } = await server.#output.ended;
        throw new Error(`the server ${hasEnded ? "ended" : "did not come up"}: ${lastLines(stderr)}`);
      }
      await delay(pollMs);
    }
  }

  get addresses(): ServerAddresses {
    return this.#addresses;
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The end of its log. */
  get lastLog(): string {
    return lastLines(this.#output.stderr);
  }

  /**
   * Loads a model.
   *
   * @param config - Takes the place of its config file; `null`: the file.
   * @returns Why it did not load, or `null`.
   */
  async load(model: string, config: object | null, signal: AbortSignal): Promise<string | null> {
    const parameters = config === null ? {} : { parameters: { config: JSON.stringify(config) } };
    const path = `/v2/repository/models/${encodeURIComponent(model)}/load`;
    try {
      const reply = await fetch(`http://${this.#addresses.http}${path}`, {
        method: "POST",
        body: JSON.stringify(parameters),
        signal,
      });
      if (reply.ok) return null;
      return errorOf(await reply.text());
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      return this.isRunning ? reason : `the server died while it loaded the model: ${this.lastLog}`;
    }
  }

  /** See {@link peakMemoryMb}. */
  async peakMemoryMb(): Promise<number | null> {
    const { pid } = this.#child;
    return pid === undefined ? null : peakMemoryMb(pid);
  }

  async stop(): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGTERM");
    const patience = setTimeout(() => this.#child.kill("SIGKILL"), stopPatienceMs);
    await this.#output.ended;
    clearTimeout(patience);
  }
}

/** The table that the log ends its start with; `null` while it is not complete. */
function readAddresses(log: string): ServerAddresses | null {
  const table = /is serving"?\n((?:[+|].*\n)+)/.exec(log)?.[1];
  // Line, headers, line, rows, line.
  if (table === undefined || (table.match(/^\+/gm) ?? []).length < 3) return null;
  const addressOf = (service: string): string => {
    const address = new RegExp(`^\\| ${service} +\\| (\\S+) +\\|$`, "m").exec(table)?.[1] ?? "";
    return address.replace(/^https?:\/\//, "");
  };
  return { http: addressOf("HTTP"), grpc: addressOf("gRPC") };
}

function errorOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === "string" ? error : body;
  } catch {
    return body;
  }
}

function lastLines(log: string): string {
  return log.trimEnd().split("\n").slice(-3).join("\n");
}
