import path from "node:path";
import { ChildServer } from "./child-server.ts";
import { freePorts } from "./free-port.ts";
import { answersOk, callHttp } from "./http-call.ts";
import { MetricsPage } from "./metrics-page.ts";

const entry = path.resolve(import.meta.dirname, "../../server/main.js");

/** The server under test, in a process of its own on free loopback ports. */
export class NereidServer {
  readonly process: ChildServer;
  readonly httpUrl: string;
  readonly grpcPort: number;
  readonly #metricsUrl: string;

  private constructor(repository: string, ports: readonly number[]) {
    const [httpPort, grpcPort, metricsPort] = ports as [number, number, number];
    this.httpUrl = `http://127.0.0.1:${httpPort}`;
    this.grpcPort = grpcPort;
    this.#metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    this.process = new ChildServer("nereid", [
      entry,
      `--model-repository=${repository}`,
      "--http-address=127.0.0.1",
      `--http-port=${httpPort}`,
      "--grpc-address=127.0.0.1",
      `--grpc-port=${grpcPort}`,
      "--metrics-address=127.0.0.1",
      `--metrics-port=${metricsPort}`,
    ]);
  }

  /**
   * Starts the server and waits until it is ready.
   *
   * @param pollMs - How often readiness is asked for.
   */
  static async start(repository: string, pollMs = 20): Promise<NereidServer> {
    const server = new NereidServer(repository, await freePorts(3));
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

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
