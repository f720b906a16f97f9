import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { connect } from "node:net";
import { afterEach, before, describe, it } from "mocha";
import { defaultHttpTransport } from "../../../../../server/http/transport/default-transport.ts";
import type { StreamedReply } from "../../../../../server/http/transport/http-exchange.ts";
import type {
  HttpHandler,
  HttpListener,
  HttpTransport,
} from "../../../../../server/http/transport/http-transport.ts";
import { nodeHttpTransport } from "../../../../../server/http/transport/node-http-transport.ts";
import { settle } from "../../../../helpers/deferred.ts";
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

/** Sends a GET request; resolves when the headers of the reply are there. */
function receive(
  port: number,
  how: { readonly isPaused: boolean } = { isPaused: false },
): Promise<{ response: http.IncomingMessage; next: () => Promise<string | null> }> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: where.address, port, path: "/", agent: false }, (response) => {
      response.on("error", () => undefined);
      if (how.isPaused) response.pause();
      let chunks: AsyncIterator<unknown> | null = null;
      // What is written in two turns arrives in two chunks, as long as each is waited for.
      const next = async (): Promise<string | null> => {
        chunks ??= response.iterator({ destroyOnReturn: false });
        const { value, done } = (await chunks.next()) as IteratorResult<Buffer, undefined>;
        return done === true ? null : value.toString();
      };
      resolve({ response, next });
    });
    request.on("error", reject);
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

    it("streams a reply whose chunks arrive as they are written", async () => {
      let reply: StreamedReply | null = null;
      const opened = await open((_method, _path, exchange) => {
        reply = exchange.startReply("text/event-stream", () => undefined);
        reply.write(Buffer.from("first"));
      });
      const { response, next } = await receive(opened.port);
      assert.equal(response.statusCode, 200);
      assert.equal(response.headers["content-type"], "text/event-stream");
      assert.equal(await next(), "first");
      const streamed = reply as StreamedReply | null;
      const memory = Buffer.from("second");
      assert.equal(streamed?.write(memory), true);
      memory.fill("x");
      assert.equal(await next(), "second");
      streamed.end();
      assert.equal(await next(), null);
    });

    it("streams an empty reply", async () => {
      const opened = await open((_method, _path, exchange) => {
        exchange.startReply("text/event-stream", () => undefined).end();
      });
      const reply = await opened.client.get("/");
      assert.deepEqual(
        [reply.status, reply.headers["content-type"], reply.text],
        [200, "text/event-stream", ""],
      );
      assert.equal((await opened.client.get("/")).status, 200);
    });

    for (const chunkBytes of [2_000, 200_000]) {
      it(`tells when the socket is full and when it has drained, in chunks of ${chunkBytes} bytes`, async () => {
        const total = 24 * 1024 * 1024;
        let written = 0;
        let waitCount = 0;
        let isDone = false;
        let onFull: () => void = () => undefined;
        const full = new Promise<void>((resolve) => (onFull = resolve));
        const opened = await open((_method, _path, exchange) => {
          const fill = (): void => {
            while (written < total) {
              // Each byte tells its place, so that one which is lost or doubled shows.
              const chunk = Buffer.alloc(chunkBytes);
              for (let i = 0; i < chunkBytes; i++) chunk[i] = (written + i) % 251;
              written += chunkBytes;
              if (reply.write(chunk)) continue;
              waitCount++;
              onFull();
              return;
            }
            isDone = true;
            reply.end();
          };
          const reply = exchange.startReply("x", fill);
          fill();
        });
        const { response } = await receive(opened.port, { isPaused: true });
        await full;
        await settle();
        // Nobody reads: no more is taken than buffers hold.
        const taken = written;
        assert.ok(taken < total / 2, `${taken} bytes were taken`);
        await settle();
        assert.equal(written, taken);
        let received = 0;
        let isExact = true;
        response.on("data", (chunk: Buffer) => {
          for (const byte of chunk) isExact &&= byte === received++ % 251;
        });
        response.resume();
        await once(response, "end");
        assert.deepEqual([received, isExact, isDone], [written, true, true]);
        assert.ok(waitCount > 1);
      });
    }

    it("cancels the work of a streamed reply when the client goes away", async () => {
      let cancelCount = 0;
      let onCancel: () => void = () => undefined;
      const cancelled = new Promise<void>((resolve) => (onCancel = resolve));
      let reply: StreamedReply | null = null;
      const opened = await open((_method, path, exchange) => {
        if (path === "/alive") return exchange.reply("", "", "yes");
        exchange.cancelWhenAborted({
          cancel: () => {
            cancelCount++;
            onCancel();
          },
        });
        reply = exchange.startReply("text/event-stream", () => undefined);
        reply.write(Buffer.from("first"));
      });
      const { response, next } = await receive(opened.port);
      assert.equal(await next(), "first");
      response.destroy();
      await cancelled;
      const streamed = reply as StreamedReply | null;
      assert.equal(streamed?.write(Buffer.from("dropped")), true);
      streamed.end();
      assert.equal(cancelCount, 1);
      assert.equal((await opened.client.get("/alive")).text, "yes");
      // The exchange is over: nothing holds a shutdown up.
      await listener?.drain(60_000);
    });

    it("lets a streamed reply end while it drains", async () => {
      let reply: StreamedReply | null = null;
      const opened = await open((_method, _path, exchange) => {
        reply = exchange.startReply("text/event-stream", () => undefined);
        reply.write(Buffer.from("first"));
      });
      const { response, next } = await receive(opened.port);
      assert.equal(await next(), "first");
      const streamed = reply as StreamedReply | null;
      let hasDrained = false;
      const drained = listener?.drain(60_000).then(() => (hasDrained = true));
      streamed?.write(Buffer.from("second"));
      assert.equal(await next(), "second");
      assert.equal(hasDrained, false);
      streamed?.end();
      assert.equal(await next(), null);
      await drained;
      response.destroy();
    });

    it("does not wait for a streamed reply longer than it may", async () => {
      const opened = await open((_method, _path, exchange) => {
        exchange.startReply("text/event-stream", () => undefined).write(Buffer.from("first"));
      });
      const { response, next } = await receive(opened.port);
      assert.equal(await next(), "first");
      await listener?.drain(1);
      response.destroy();
    });

    it("writes large tensors from where they are, and says when it reads them no more", async () => {
      const json = Buffer.from("{}");
      const tensors = [3, 12].map((megabytes, at) => Buffer.alloc(megabytes * 1024 * 1024, at + 1));
      let releaseCount = 0;
      let isReleased = (): void => undefined;
      const released = new Promise<void>((resolve) => (isReleased = resolve));
      const opened = await open((_method, path, exchange) => {
        if (path === "/alive") return exchange.reply("", "", "yes");
        exchange.replyLargeTensors(json, tensors, () => {
          releaseCount++;
          isReleased();
        });
        // Only the tensors stay as they are.
        json.fill("x");
      });
      const { response } = await receive(opened.port, { isPaused: true });
      assert.equal(response.headers["inference-header-content-length"], "2");
      assert.equal(response.headers["content-length"], String(2 + 15 * 1024 * 1024));
      await settle();
      // Nobody reads, and no socket holds that much.
      assert.equal(releaseCount, 0);
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.resume();
      await Promise.all([once(response, "end"), released]);
      assert.ok(Buffer.concat(chunks).equals(Buffer.concat([Buffer.from("{}"), ...tensors])));
      assert.equal(releaseCount, 1);
      assert.equal((await opened.client.get("/alive")).text, "yes");
      await listener?.drain(60_000);
    });

    it("releases large tensors when the client goes away, or has gone", async () => {
      const tensors = [Buffer.alloc(15 * 1024 * 1024, 1)];
      const releases: string[] = [];
      let onRelease = (): void => undefined;
      let onGone = (): void => undefined;
      const gone = new Promise<void>((resolve) => (onGone = resolve));
      const opened = await open((_method, path, exchange) => {
        const reply = (): void =>
          exchange.replyLargeTensors(Buffer.from("{}"), tensors, () => {
            releases.push(path);
            onRelease();
          });
        if (path === "/") return reply();
        exchange.cancelWhenAborted({
          cancel: () => {
            reply();
            onGone();
          },
        });
        onRelease();
      });
      const released = new Promise<void>((resolve) => (onRelease = resolve));
      const { response } = await receive(opened.port, { isPaused: true });
      await settle();
      response.destroy();
      await released;
      assert.deepEqual(releases, ["/"]);
      const arrived = new Promise<void>((resolve) => (onRelease = resolve));
      const waiting = http.get({ host: where.address, port: opened.port, path: "/waits", agent: false });
      waiting.on("error", () => undefined);
      await arrived;
      waiting.destroy();
      await gone;
      assert.deepEqual(releases, ["/", "/waits"]);
      // Both exchanges are over: nothing holds a shutdown up.
      await listener?.drain(60_000);
    });

    it("closes the connection behind large tensors while it drains", async () => {
      let reply = (): void => undefined;
      let onArrival = (): void => undefined;
      const arrived = new Promise<void>((resolve) => (onArrival = resolve));
      const tensors = [Buffer.alloc(1024 * 1024, 1)];
      const opened = await open((_method, _path, exchange) => {
        reply = () => exchange.replyLargeTensors(Buffer.from("{}"), tensors, () => undefined);
        exchange.cancelWhenAborted({ cancel: () => undefined });
        onArrival();
      });
      const answer = talk(opened.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      await arrived;
      const drained = listener?.drain(60_000);
      reply();
      const text = await answer;
      assert.match(text, /^HTTP\/1.1 200 OK\r\n/);
      assert.match(text, /connection: close\r\n/i);
      assert.ok(text.endsWith("{}" + "\x01".repeat(1024 * 1024)));
      await drained;
    });

    it("refuses an upload in 65537 chunks and closes the connection", async () => {
      assert.match(await uploadChunks(65_537), /^HTTP\/1.1 400 [^]*too many chunks$/);
    });
  });
}
