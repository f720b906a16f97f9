import assert from "node:assert/strict";
import { after, afterEach, before } from "mocha";
import { GrpcClient } from "./grpc-client.ts";
import { HttpClient } from "./http-client.ts";
import { MetricsPage } from "./metrics-page.ts";
import { ServerProcess } from "./server-process.ts";

/** Where a server listens, as its start-up table says. "" for a service that is off. */
interface Addresses {
  readonly grpc: string;
  readonly http: string;
  readonly metrics: string;
}

/**
 * Any free port of the loopback interface for each service. TensorFlow's models run in the embedded engine, whatever is
 * installed on the machine.
 */
const loopback: readonly string[] = [
  "--http-address=127.0.0.1",
  "--http-port=0",
  "--grpc-address=127.0.0.1",
  "--grpc-port=0",
  "--metrics-address=127.0.0.1",
  "--metrics-port=0",
  "--backend-config=tensorflow,engine=wasm",
];

/** No server listens on port 1. */
const nowhere = "127.0.0.1:1";

/** Reads the table that the log ends its start with; `null` while it is not complete. */
function findAddresses(log: string): Addresses | null {
  const table = /is serving"?\n((?:[+|].*\n)+)/.exec(log)?.[1];
  // Heading line, headers, line, rows, line: the last line completes it.
  if (table === undefined || (table.match(/^\+/gm) ?? []).length < 3) return null;
  const address = (service: string): string =>
    new RegExp(`^\\| ${service} +\\| (\\S+) +\\|$`, "m").exec(table)?.[1] ?? "";
  return { grpc: address("gRPC"), http: address("HTTP"), metrics: address("Metrics") };
}

/** A server that has started, with a client for each of its services. */
export class RunningServer {
  readonly process: ServerProcess;
  readonly addresses: Addresses;
  readonly http: HttpClient;
  readonly grpc: GrpcClient;

  private constructor(serverProcess: ServerProcess, addresses: Addresses) {
    this.process = serverProcess;
    this.addresses = addresses;
    this.http = new HttpClient(addresses.http);
    // A client for a service that is off can be made, and fails when it is used.
    this.grpc = new GrpcClient(addresses.grpc === "" ? nowhere : addresses.grpc);
  }

  /**
   * Starts a server on free loopback ports and waits until it listens.
   *
   * @param args - Options besides those for addresses; later ones win.
   * @param environment - Variables beside those of this process.
   * @throws Error with the log when it does not come up.
   */
  static async start(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<RunningServer> {
    const serverProcess = new ServerProcess([...loopback, ...args], environment);
    const addresses = await serverProcess.waitForLog("the table of addresses", findAddresses);
    return new RunningServer(serverProcess, addresses);
  }

  get log(): string {
    return this.process.log;
  }

  /** Scrapes `/metrics`. */
  async metrics(): Promise<MetricsPage> {
    const reply = await this.http.request("GET", this.addresses.metrics);
    assert.equal(reply.status, 200, reply.text);
    return new MetricsPage(reply.text);
  }

  /** Ends it as an operator does. @throws AssertionError unless it ends cleanly, with exit code 0. */
  async stop(): Promise<void> {
    this.#closeClients();
    if (this.process.isRunning) this.process.signal("SIGTERM");
    const timer = setTimeout(() => this.process.kill(), 20_000);
    const { code, stderr } = await this.process.ended;
    clearTimeout(timer);
    assert.equal(code, 0, `the server ended with ${code ?? "a signal"}:\n${stderr}`);
  }

  /** Ends it at once; fine for one that has ended. */
  async kill(): Promise<void> {
    this.#closeClients();
    this.process.kill();
    await this.process.ended;
  }

  #closeClients(): void {
    this.http.close();
    this.grpc.close();
  }
}

/** The server of a suite; there while its tests run. */
export interface SuiteServer {
  readonly current: RunningServer;
}

/**
 * One server for all tests of the surrounding `describe`: started before them, its log shown when one fails, stopped
 * after them. Nothing may be left pending then, and the exit code must be 0.
 *
 * @param args - Asked when the server is started, so that `before` hooks can make its repository.
 * @param environment - Variables besides those of this process, asked as well.
 */
export function useServer(
  args: () => readonly string[],
  environment: () => Readonly<Record<string, string>> = () => ({}),
): SuiteServer {
  let server: RunningServer | null = null;
  before(async () => {
    server = await RunningServer.start(args(), environment());
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(server?.log);
  });
  after(async () => {
    if (server === null) return;
    try {
      if (server.addresses.metrics !== "") {
        const pending = (await server.metrics()).sum("nv_inference_pending_request_count");
        assert.equal(pending, 0, "requests that still wait after the last test");
      }
      await server.stop();
    } finally {
      await server.kill();
    }
  });
  return {
    get current(): RunningServer {
      if (server === null) throw new Error("The server is there only while tests run");
      return server;
    },
  };
}
