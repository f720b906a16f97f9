import uws from "uWebSockets.js";
import { ExchangeLedger } from "./exchange-ledger.ts";
import { cannotListen, type HttpListener, type HttpTransport } from "./http-transport.ts";
import { UwsExchange } from "./uws-exchange.ts";

/**
 * µWS's LIBUS_LISTEN_EXCLUSIVE_PORT. Without it the port is shared with whoever holds it already, and half of the
 * connections go astray.
 */
const exclusivePort = 1;

/** `listen` with an address and options: the library has it, its declarations do not. */
interface AddressListener {
  listen(
    address: string,
    port: number,
    options: number,
    callback: (socket: uws.us_listen_socket | false) => void,
  ): void;
}

/** µWebSockets.js: the fast one, where it has a binary for this Node. */
export const uwsTransport: HttpTransport = {
  name: "µWebSockets.js",
  listen: (where, handler) => {
    const app = uws.App();
    const ledger = new ExchangeLedger();
    const answer = (method: string, response: uws.HttpResponse, request: uws.HttpRequest): void => {
      const exchange = new UwsExchange(response, request, method, ledger);
      handler(method, request.getUrl(), exchange);
      exchange.release();
    };
    // A handler for each common method saves asking for it, which would make a string per request.
    app.get("/*", (response, request) => answer("get", response, request));
    app.post("/*", (response, request) => answer("post", response, request));
    app.any("/*", (response, request) => answer(request.getMethod(), response, request));
    return new Promise((resolve, reject) => {
      (app as unknown as AddressListener).listen(where.address, where.port, exclusivePort, (socket) => {
        if (socket === false) reject(cannotListen(where));
        else resolve(new UwsListener(socket, ledger));
      });
    });
  },
};

class UwsListener implements HttpListener {
  readonly port: number;
  readonly #ledger: ExchangeLedger;
  #socket: uws.us_listen_socket | null;

  constructor(socket: uws.us_listen_socket, ledger: ExchangeLedger) {
    this.port = uws.us_socket_local_port(socket);
    this.#socket = socket;
    this.#ledger = ledger;
  }

  async drain(budgetMs: number): Promise<void> {
    if (this.#socket !== null) uws.us_listen_socket_close(this.#socket);
    this.#socket = null;
    await this.#ledger.drain(budgetMs);
  }
}
