import assert from "node:assert/strict";
import { connect } from "node:net";
import { afterEach, before, describe, it } from "mocha";
import { defaultHttpTransport } from "../../../../../server/http/transport/default-transport.ts";
import type {
  HttpHandler,
  HttpListener,
  HttpTransport,
} from "../../../../../server/http/transport/http-transport.ts";
import { nodeHttpTransport } from "../../../../../server/http/transport/node-http-transport.ts";
import { HttpClient } from "../../../../helpers/http-client.ts";

const where = { address: "127.0.0.1", port: 0 };

/** Sends text over a connection of its own; resolves with the answer when the server has closed it. */
function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, where.address, () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString()));
    // A server that closes while text is still coming resets the connection; what it said has arrived.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

const chunkedPost = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

for (const [name, find] of [
  ["the default HTTP transport", defaultHttpTransport],
  ["nodeHttpTransport", () => Promise.resolve(nodeHttpTransport)],
] as const) {
  describe(name, () => {
    let transport: HttpTransport;
    let listener: HttpListener | null = null;
    let client: HttpClient | null = null;
    before(async () => {
      transport = await find();
    });
    afterEach(async () => {
      client?.close();
      await listener?.drain(0);
    });

    async function open(handler: HttpHandler): Promise<{ client: HttpClient; port: number }> {
      listener = await transport.listen(where, handler);
      const { port } = listener;
      client = new HttpClient(`http://127.0.0.1:${port}`);
      return { client, port };
    }

    it("replies with any headers", async () => {
      const opened = await open((_method, _path, exchange) => {
        exchange.replyWithHeaders("501 Not Implemented", [["Accept-Encoding", "gzip, deflate"]], "{}");
      });
      const reply = await opened.client.get("/");
      assert.deepEqual([reply.status, reply.text], [501, "{}"]);
      assert.equal(reply.headers["accept-encoding"], "gzip, deflate");
      assert.equal(reply.headers["content-length"], "2");
    });

    it("visits all headers, names in lower case", async () => {
      const seen: string[] = [];
      const opened = await open((_method, _path, exchange) => {
        exchange.eachHeader((key, value) => seen.push(`${key}: ${value}`));
        exchange.reply("", "", "");
      });
      await opened.client.request("GET", "/", { headers: { "X-Team": ["Red", "Blue"], "x-empty": "" } });
      assert.deepEqual(seen.filter((line) => line.startsWith("x-")).sort(), [
        "x-empty: ",
        "x-team: Blue",
        "x-team: Red",
      ]);
    });

    async function uploadChunks(count: number, headers = ""): Promise<string> {
      const opened = await open((_method, _path, exchange) => {
        exchange.readBody(100_000, {
          onBody: (body) => exchange.reply("", "", `got ${body.byteLength}`),
          onTooLarge: (exceeded) => exchange.reply("400 Bad Request", "", `too many ${exceeded}`),
        });
      });
      return talk(
        opened.port,
        `${chunkedPost.replace("\r\n", `\r\n${headers}`)}${"1\r\nx\r\n".repeat(count)}0\r\n\r\n`,
      );
    }

    it("serves an upload in 65536 chunks", async () => {
      assert.match(await uploadChunks(65_536, "Connection: close\r\n"), /^HTTP\/1.1 200 [^]*got 65536$/);
    });

    it("refuses an upload in 65537 chunks and closes the connection", async () => {
      assert.match(await uploadChunks(65_537), /^HTTP\/1.1 400 [^]*too many chunks$/);
    });
  });
}
