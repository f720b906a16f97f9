import path from "node:path";
import { ChildServer } from "./child-server.ts";
import { freePorts } from "./free-port.ts";
import { answersOk, callHttp } from "./http-call.ts";
import type { LoopDelay, LoopDelayQuestion } from "./loop-delay-probe.ts";
import { MetricsPage } from "./metrics-page.ts";

const entry = path.resolve(import.meta.dirname, "../../server/main.js");
const probe = new URL("./loop-delay-probe.js", import.meta.url).href;

/** The server under test, in a process of its own on free loopback ports. */
export class NereidServer {
  readonly process: ChildServer;
  readonly httpUrl: string;
  readonly grpcPort: number;
  readonly #metricsUrl: string;

  private constructor(
    repository: string,
    ports: readonly number[],
    nodeOptions: readonly string[],
    args: readonly string[],
  ) {
    const [httpPort, grpcPort, metricsPort] = ports as [number, number, number];
    this.httpUrl = `http://127.0.0.1:${httpPort}`;
    this.grpcPort = grpcPort;
    this.#metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    this.process = new ChildServer("nereid", [
      ...nodeOptions,
      entry,
      `--model-repository=${repository}`,
      "--http-address=127.0.0.1",
      `--http-port=${httpPort}`,
      "--grpc-address=127.0.0.1",
      `--grpc-port=${grpcPort}`,
      "--metrics-address=127.0.0.1",
      `--metrics-port=${metricsPort}`,
      ...args,
    ]);
  }

  /**
   * Starts the server and waits until it is ready.
   *
   * @param pollMs - How often readiness is asked for.
   * @param args - Further options of the server.
   */
  static start(repository: string, pollMs = 20, args: readonly string[] = []): Promise<NereidServer> {
    return NereidServer.#start(repository, pollMs, [], args);
  }

  /** The same, with the delay of its event loop being measured: see {@link loopDelay}. */
  static startWatched(repository: string): Promise<NereidServer> {
    return NereidServer.#start(repository, 20, ["--import", probe], []);
  }

  static async #start(
    repository: string,
    pollMs: number,
    nodeOptions: readonly string[],
    args: readonly string[],
  ): Promise<NereidServer> {
    const server = new NereidServer(repository, await freePorts(3), nodeOptions, args);
    try {
      await server.process.waitUntil(() => answersOk(`${server.httpUrl}/v2/health/ready`), pollMs);
      return server;
    } catch (error) {
      await server.process.stop();
      throw error;
    }
  }

  /** Reads `/metrics`. */
  async metrics(): Promise<MetricsPage> {
    this.process.assertRunning();
    const answer = await callHttp(this.#metricsUrl);
    if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
    return new MetricsPage(answer.body.toString());
  }

  /**
   * How late the event loop was since this was last called with `reset`. Only after {@link startWatched}.
   *
   * @param question - `reset` forgets afterwards.
   */
  async loopDelay(question: LoopDelayQuestion): Promise<LoopDelay> {
    return (await this.process.ask(question)) as LoopDelay;
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
