import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server saw. */
export interface SeenHttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Answers a request. @param index - How many came before it. */
export type HttpScript = (request: SeenHttpRequest, response: ServerResponse, index: number) => void;

/** An HTTP server that does what a test says, and remembers what it saw. */
export class ScriptedHttpServer {
  readonly seen: SeenHttpRequest[] = [];
  readonly #server: Server;

  private constructor(script: HttpScript) {
    this.#server = createServer((message, response) => {
      const parts: Buffer[] = [];
      message.on("data", (chunk: Buffer) => parts.push(chunk));
      message.on("end", () => {
        const { method = "", url = "", headers } = message;
        const request = { method, url, headers, body: Buffer.concat(parts) };
        this.seen.push(request);
        script(request, response, this.seen.length - 1);
      });
    });
  }

  static async start(script: HttpScript): Promise<ScriptedHttpServer> {
    const server = new ScriptedHttpServer(script);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
