import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ExchangeLedger } from "./exchange-ledger.ts";
import { cannotListen, type HttpListener, type HttpTransport } from "./http-transport.ts";
import { NodeHttpExchange } from "./node-http-exchange.ts";

/** Node's own HTTP server: slower, and everywhere. */
export const nodeHttpTransport: HttpTransport = {
  name: "node:http",
  listen: (where, handler) => {
    const ledger = new ExchangeLedger();
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      const [path = ""] = (request.url ?? "").split("?", 1);
      handler((request.method ?? "").toLowerCase(), path, new NodeHttpExchange(request, response, ledger));
    });
    return new Promise((resolve, reject) => {
      server.once("error", (error) => reject(cannotListen(where, error.message)));
      server.listen({ host: where.address, port: where.port, exclusive: true }, () => {
        resolve(new NodeHttpListener(server, ledger));
      });
    });
  },
};

class NodeHttpListener implements HttpListener {
  readonly port: number;
  readonly #server: Server;
  readonly #ledger: ExchangeLedger;

  constructor(server: Server, ledger: ExchangeLedger) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#ledger = ledger;
  }

  async drain(budgetMs: number): Promise<void> {
    this.#server.close();
    await this.#ledger.drain(budgetMs);
  }
}
