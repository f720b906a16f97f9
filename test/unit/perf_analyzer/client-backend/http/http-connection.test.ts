import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, it } from "mocha";
import { ChunkedBody } from "../../../../../perf_analyzer/client-backend/http/chunked-body.ts";
import {
  HttpConnection,
  type HttpReply,
} from "../../../../../perf_analyzer/client-backend/http/http-connection.ts";
import { parseHttpResponseHead } from "../../../../../perf_analyzer/client-backend/http/http-response-head.ts";

describe("parseHttpResponseHead", () => {
  it("reads what the protocol needs, whatever the case", () => {
    const head =
      "HTTP/1.1 200 OK\r\ncontent-LENGTH: 12\r\nInference-Header-Content-Length:7\r\nConnection: Close";
    assert.deepEqual(parseHttpResponseHead(head), {
      status: 200,
      contentLength: 12,
      isChunked: false,
      isLast: true,
      isEventStream: false,
      jsonByteLength: 7,
    });
    assert.equal(parseHttpResponseHead("HTTP/1.0 200 OK").isLast, true);
    assert.equal(parseHttpResponseHead("HTTP/1.1 200 OK").isLast, false);
  });

  it("refuses what is not HTTP/1", () => {
    assert.throws(() => parseHttpResponseHead("\0\0\u0012\u0004"), /does not speak HTTP\/1/);
  });
});

describe("ChunkedBody", () => {
  const encoded = Buffer.from("5\r\nhello\r\n6;x=y\r\n world\r\n0\r\ntrailer: 1\r\n\r\n");

  for (let size = 1; size <= encoded.length; size += 3) {
    it(`reads a body that comes ${size} bytes at a time`, () => {
      const body = new ChunkedBody();
      let whole: Buffer | null = null;
      for (let at = 0; at < encoded.length; at += size) whole = body.push(encoded.subarray(at, at + size));
      assert.equal(whole?.toString(), "hello world");
    });
  }

  it("refuses a broken length", () => {
    assert.throws(() => new ChunkedBody().push(Buffer.from("zz\r\n")), /broken chunk/);
  });
});

describe("HttpConnection", () => {
  const opened: { close(): unknown }[] = [];
  afterEach(() => {
    for (const each of opened.splice(0)) each.close();
  });

  /** A server that writes these pieces, one per turn of the event loop, whenever it is asked. */
  async function connect(pieces: readonly string[], ends = false): Promise<HttpConnection> {
    const answer = (socket: Socket, index: number): void => {
      const piece = pieces[index];
      if (piece === undefined) {
        if (ends) socket.destroy();
        return;
      }
      socket.write(piece, () => setImmediate(() => answer(socket, index + 1)));
    };
    const listening = createServer((socket) => {
      socket.setNoDelay(true);
      socket.on("data", () => answer(socket, 0));
      socket.on("error", () => undefined);
    });
    opened.push(listening);
    await new Promise<void>((resolve) => {
      listening.listen(0, "127.0.0.1", resolve);
    });
    const { port } = listening.address() as AddressInfo;
    const connection = new HttpConnection({ host: "127.0.0.1", port, pathPrefix: "", tls: null }, true);
    opened.push(connection);
    await connection.open();
    return connection;
  }

  function ask(open: HttpConnection): Promise<{ reply: HttpReply | null; error: string | null }> {
    return new Promise((resolve) => {
      open.send([Buffer.from("GET / HTTP/1.1\r\n\r\n")], (reply, error) => resolve({ reply, error }));
    });
  }

  it("carries one request after the other, however the response is cut", async () => {
    const open = await connect(["HTTP/1.1 200 OK\r\nConte", "nt-Length: 10\r\n\r", "\n01234", "56789"]);
    for (let i = 0; i < 3; i++) {
      const { reply } = await ask(open);
      assert.equal(reply?.body?.toString(), "0123456789");
      assert.ok(reply.sendEndUs <= reply.endUs && reply.receiveStartUs <= reply.endUs);
    }
  });

  it("passes over 100 Continue", async () => {
    const { reply } = await ask(
      await connect(["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n"]),
    );
    assert.equal(reply?.head.status, 204);
  });

  it("is no longer open after a response that says so", async () => {
    const open = await connect(["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"]);
    await ask(open);
    assert.equal(open.isOpen, false);
  });

  it("tells why there is no response", async () => {
    assert.match((await ask(await connect(["HTTP/1.1 200"], true))).error ?? "", /closed the connection/);
    assert.match(
      (await ask(await connect(["HTTP/1.1 200 OK\r\n\r\n"]))).error ?? "",
      /neither Content-Length nor chunks/,
    );
    assert.match(
      (await ask(await connect(["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc"]))).error ?? "",
      /more than its Content-Length/,
    );
  });
});
