import assert from "node:assert/strict";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { afterEach, describe, it } from "mocha";
import { decodeHeaderBlock } from "../../../../../perf_analyzer/client-backend/h2/codec/hpack-decoder.ts";
import { encodeFrame } from "../../../../../perf_analyzer/client-backend/h2/codec/h2-frame.ts";
import { RepeatedHeaderBlock } from "../../../../../perf_analyzer/client-backend/h2/codec/repeated-header-block.ts";
import { H2Connection } from "../../../../../perf_analyzer/client-backend/h2/h2-connection.ts";
import type { H2StreamSink } from "../../../../../perf_analyzer/client-backend/h2/h2-stream.ts";

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** What became of a request. */
interface Outcome {
  readonly headers: Record<string, string>;
  readonly trailers: Record<string, string>;
  readonly body: Buffer;
  readonly failure: string | null;
}

class RecordingSink implements H2StreamSink {
  readonly ended: Promise<Outcome>;
  isSent = false;
  #end: (outcome: Outcome) => void = () => undefined;
  readonly #blocks: Record<string, string>[] = [];
  readonly #parts: Buffer[] = [];

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  onSent(): void {
    this.isSent = true;
  }

  onHeaders(block: Buffer): void {
    this.#blocks.push(Object.fromEntries(decodeHeaderBlock(block)));
  }

  onData(bytes: Buffer): void {
    this.#parts.push(Buffer.from(bytes));
  }

  onEnd(): void {
    this.#finish(null);
  }

  onFailure(reason: string): void {
    this.#finish(reason);
  }

  #finish(failure: string | null): void {
    const [headers = {}, trailers = {}] = this.#blocks;
    this.#end({ headers, trailers, body: Buffer.concat(this.#parts), failure });
  }
}

function echo(stream: ServerHttp2Stream): void {
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  stream.on("end", () => {
    stream.respond(
      { ":status": 200, "x-long": "a header that is longer compressed" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.concat(parts));
  });
}

async function listen(server: TcpServer): Promise<AddressInfo> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return server.address() as AddressInfo;
}

describe("H2Connection", () => {
  let server: Http2Server | null = null;
  let connection: H2Connection | null = null;
  const sessions: ServerHttp2Session[] = [];
  afterEach(async () => {
    connection?.close();
    for (const session of sessions.splice(0)) session.destroy();
    await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
    server = null;
    connection = null;
  });

  async function connect(
    onStream: OnStream,
    settings: Parameters<typeof createServer>[0] = {},
  ): Promise<H2Connection> {
    const started = createServer(settings);
    server = started;
    started.on("session", (session) => sessions.push(session));
    started.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on("error", () => undefined);
      onStream(stream, headers);
    });
    await new Promise<void>((resolve) => {
      started.listen(0, "127.0.0.1", resolve);
    });
    const { port } = started.address() as AddressInfo;
    const headers = new RepeatedHeaderBlock([
      [":method", "POST"],
      [":scheme", "http"],
      [":path", "/test"],
      [":authority", "test"],
      ["x-test", "yes"],
    ]);
    const opened = new H2Connection({ host: "127.0.0.1", port, pathPrefix: "", tls: null }, headers);
    connection = opened;
    await opened.open();
    return opened;
  }

  function request(opened: H2Connection, body: Uint8Array): RecordingSink {
    const sink = new RecordingSink();
    opened.request(body, sink);
    return sink;
  }

  it("carries many requests at a time, all with the same headers", async () => {
    const seen: IncomingHttpHeaders[] = [];
    const opened = await connect((stream, headers) => {
      seen.push(headers);
      echo(stream);
    });
    const sinks = Array.from({ length: 50 }, (_, i) => request(opened, Buffer.from(`body ${i}`)));
    assert.equal(opened.outstandingCount, 50);
    const outcomes = await Promise.all(sinks.map(({ ended }) => ended));
    assert.deepEqual(
      outcomes.map(({ body }) => body.toString()),
      sinks.map((_, i) => `body ${i}`),
    );
    for (const { headers, trailers, failure } of outcomes) {
      assert.deepEqual([headers[":status"], trailers["grpc-status"], failure], ["200", "0", null]);
      assert.equal(headers["x-long"], "a header that is longer compressed");
    }
    assert.ok(sinks.every(({ isSent }) => isSent));
    assert.equal(seen.length, 50);
    for (const headers of seen) assert.deepEqual([headers[":path"], headers["x-test"]], ["/test", "yes"]);
    assert.equal(opened.outstandingCount, 0);
  });

  it("keeps to the server's windows with bodies of several megabytes both ways", async () => {
    const opened = await connect(echo);
    const bodies = [3, 5].map((megabytes) => Buffer.alloc(megabytes * 1024 * 1024 + 7, `${megabytes}`));
    const outcomes = await Promise.all(bodies.map((body) => request(opened, body).ended));
    outcomes.forEach(({ body, failure }, i) => {
      assert.equal(failure, null);
      assert.ok(body.equals(bodies[i] ?? Buffer.alloc(0)), `body ${i} came back as it was sent`);
    });
  });

  it("asks for more than one window of a response, and of a connection", async () => {
    const large = Buffer.alloc(20 * 1024 * 1024, "x");
    const opened = await connect((stream) => {
      stream.resume();
      stream.respond({ ":status": 200 });
      stream.end(large);
    });
    const [first, second] = await Promise.all([
      request(opened, Buffer.alloc(1)).ended,
      request(opened, Buffer.alloc(1)).ended,
    ]);
    assert.ok(first.body.equals(large) && second.body.equals(large));
  });

  it("sends no more requests at a time than the server allows", async () => {
    let open = 0;
    let most = 0;
    const opened = await connect(
      (stream) => {
        most = Math.max(most, ++open);
        stream.resume();
        stream.on("close", () => open--);
        setImmediate(() => {
          stream.respond({ ":status": 200 });
          stream.end();
        });
      },
      { settings: { maxConcurrentStreams: 3 } },
    );
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => request(opened, Buffer.alloc(10)).ended),
    );
    assert.ok(outcomes.every(({ failure }) => failure === null));
    assert.ok(most <= 3, `${most} at a time`);
  });

  it("writes headers without a table for a server that has none", async () => {
    const opened = await connect(echo, { settings: { headerTableSize: 0 } });
    for (const text of ["a", "b"]) {
      const { body, failure } = await request(opened, Buffer.from(text)).ended;
      assert.deepEqual([body.toString(), failure], [text, null]);
    }
  });

  it("goes on when the server takes its table away", async () => {
    const opened = await connect(echo);
    await request(opened, Buffer.from("a")).ended;
    const changed = new Promise((resolve) => sessions[0]?.once("localSettings", resolve));
    sessions[0]?.settings({ headerTableSize: 0 });
    await changed;
    for (const text of ["b", "c"]) {
      const { body, failure } = await request(opened, Buffer.from(text)).ended;
      assert.deepEqual([body.toString(), failure], [text, null]);
    }
  });

  it("fails a request whose stream is reset, and goes on with others", async () => {
    let count = 0;
    const opened = await connect((stream) => {
      if (count++ === 0) stream.close(7);
      else echo(stream);
    });
    assert.equal(
      (await request(opened, Buffer.alloc(1)).ended).failure,
      "the server reset the stream: REFUSED_STREAM",
    );
    assert.equal((await request(opened, Buffer.alloc(1)).ended).failure, null);
    assert.ok(opened.isOpen);
  });

  for (const how of ["end", "destroy"] as const) {
    it(`says why requests fail when the server's socket is closed by ${how}()`, async () => {
      const other = createTcpServer((socket) => {
        socket.on("error", () => undefined);
        socket.write(encodeFrame(4, 0, 0, new Uint8Array(0)));
        const parts: Buffer[] = [];
        socket.on("data", (part: Buffer) => {
          parts.push(part);
          // The request ends what the client sends.
          if (Buffer.concat(parts).includes("the request")) socket[how]();
        });
      });
      const { port } = await listen(other);
      const headers = new RepeatedHeaderBlock([[":method", "POST"]]);
      const opened = new H2Connection({ host: "127.0.0.1", port, pathPrefix: "", tls: null }, headers);
      await opened.open();
      const { failure } = await request(opened, Buffer.from("the request")).ended;
      assert.match(failure ?? "", /closed the connection|ECONNRESET/);
      assert.equal(opened.isOpen, false);
      assert.equal((await request(opened, Buffer.alloc(1)).ended).failure, failure);
      await new Promise((resolve) => other.close(resolve));
    });
  }

  it("sends no new requests to a server that is going away", async () => {
    const opened = await connect((stream) => {
      stream.session?.goaway(0, 1);
      echo(stream);
    });
    assert.equal((await request(opened, Buffer.from("a")).ended).failure, null);
    assert.equal((await request(opened, Buffer.from("b")).ended).failure, "the server is going away");
  });

  it("cannot be opened where nobody, or something else, listens", async () => {
    const headers = new RepeatedHeaderBlock([[":method", "POST"]]);
    const nobody = new H2Connection({ host: "127.0.0.1", port: 1, pathPrefix: "", tls: null }, headers);
    await assert.rejects(nobody.open(), /Cannot connect to 127\.0\.0\.1:1: .*ECONNREFUSED/);
    const other = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.resume();
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    const { port } = await listen(other);
    const wrong = new H2Connection({ host: "127.0.0.1", port, pathPrefix: "", tls: null }, headers);
    await assert.rejects(wrong.open(), /does not speak HTTP\/2/);
    await new Promise((resolve) => other.close(resolve));
  });
});
