import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { monotonicNowUs } from "../../perf_analyzer/clock.ts";

/** What the server saw of an infer request, by its own clock, which is the client's. */
export interface SeenRequest {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  readonly arrivalUs: number;
  /** Requests outstanding with it. */
  readonly outstanding: number;
  responseUs: number;
}

/** How requests are answered. */
export interface ServerScript {
  /** How long the n-th infer request is held. */
  delayMs(index: number): number;
  /** Another answer than 200 for the n-th infer request; "close" cuts the connection. */
  refusal?(index: number): { status: number; message: string } | "close" | null;
  /** Model configuration; absent: there is no such extension. */
  readonly config?: object;
  /** Bytes of output B. Absent: the bytes of input A, which is FP32[2]. */
  readonly output?: Uint8Array;
}

const metadata = {
  name: "m",
  versions: ["1"],
  platform: "scripted",
  inputs: [{ name: "A", datatype: "FP32", shape: [2] }],
  outputs: [{ name: "B", datatype: "FP32", shape: [2] }],
};

/** A KServe v2 server over HTTP with known delays, in this process: its records are the truth. */
export class ScriptedKserveServer {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #script: ServerScript;
  #outstanding = 0;

  private constructor(script: ServerScript) {
    this.#script = script;
    this.#server = createServer((request, response) => this.#onRequest(request, response));
  }

  static async start(script: ServerScript): Promise<ScriptedKserveServer> {
    const server = new ScriptedKserveServer(script);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Infer requests per second, from the first arrival to the last response. */
  get throughput(): number {
    const first = Math.min(...this.seen.map(({ arrivalUs }) => arrivalUs));
    const last = Math.max(...this.seen.map(({ responseUs }) => responseUs));
    return (this.seen.length * 1e6) / (last - first);
  }

  /** How long it held requests, on the average. */
  get averageHeldUs(): number {
    return (
      this.seen.reduce((sum, { arrivalUs, responseUs }) => sum + responseUs - arrivalUs, 0) / this.seen.length
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const arrivalUs = monotonicNowUs();
    const parts: Buffer[] = [];
    request.on("data", (chunk: Buffer) => parts.push(chunk));
    request.on("end", () => {
      const url = request.url ?? "";
      if (url.endsWith("/infer")) {
        this.#infer(request, response, Buffer.concat(parts), arrivalUs);
      } else if (url.endsWith("/ready")) {
        response.end();
      } else if (url.endsWith("/config") && this.#script.config !== undefined) {
        response.end(JSON.stringify(this.#script.config));
      } else if (url === "/v2/models/m") {
        response.end(JSON.stringify(metadata));
      } else {
        response.writeHead(404).end(JSON.stringify({ error: `nothing at ${url}` }));
      }
    });
  }

  #infer(request: IncomingMessage, response: ServerResponse, body: Buffer, arrivalUs: number): void {
    const index = this.seen.length;
    this.#outstanding++;
    const seen: SeenRequest = {
      url: request.url ?? "",
      headers: request.headers,
      body,
      arrivalUs,
      outstanding: this.#outstanding,
      responseUs: 0,
    };
    this.seen.push(seen);
    setTimeout(() => {
      this.#outstanding--;
      seen.responseUs = monotonicNowUs();
      const refusal = this.#script.refusal?.(index) ?? null;
      if (refusal === "close") request.socket.destroy();
      else if (refusal !== null)
        response.writeHead(refusal.status).end(JSON.stringify({ error: refusal.message }));
      else this.#answer(response, this.#script.output ?? body.subarray(-8));
    }, this.#script.delayMs(index));
  }

  #answer(response: ServerResponse, data: Uint8Array): void {
    const outputs = [
      { name: "B", datatype: "FP32", shape: [2], parameters: { binary_data_size: data.byteLength } },
    ];
    const json = Buffer.from(JSON.stringify({ model_name: "m", outputs }));
    const whole = Buffer.concat([json, data]);
    response
      .writeHead(200, { "inference-header-content-length": json.length, "content-length": whole.length })
      .end(whole);
  }
}
