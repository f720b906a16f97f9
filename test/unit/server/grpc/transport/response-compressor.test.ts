import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { gunzipSync, inflateSync } from "node:zlib";
import { Server } from "@grpc/grpc-js";
import { afterEach, describe, it } from "mocha";
import { failure } from "../../../../../server/core/status.ts";
import { deafListener } from "../../../../../server/grpc/transport/deaf-listener.ts";
import { GrpcJsTransport } from "../../../../../server/grpc/transport/grpc-js-transport.ts";
import type { GrpcMethod, StreamCall } from "../../../../../server/grpc/transport/grpc-transport.ts";
import type { CompressionLevel } from "../../../../../server/grpc/transport/response-compression.ts";
import { ResponseCompressor } from "../../../../../server/grpc/transport/response-compressor.ts";
import { plainTransport, type TlsIdentity } from "../../../../../server/grpc/transport/transport-settings.ts";
import { tlsPem } from "../../../../helpers/tls-fixtures.ts";

/** What came back on the wire. */
interface WireReply {
  readonly encoding: string | string[] | undefined;
  /** Flag and bytes of each message. */
  readonly messages: readonly { readonly isCompressed: boolean; readonly bytes: Buffer }[];
  readonly status: string | string[] | undefined;
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

const text = (byteLength: number, letter: string): Buffer => Buffer.alloc(byteLength, letter);

describe("ResponseCompressor", () => {
  let transport: GrpcJsTransport | null = null;
  let session: ClientHttp2Session | null = null;

  afterEach(async () => {
    session?.destroy();
    await transport?.stop(0);
  });

  async function listen(
    level: CompressionLevel,
    onStream?: (call: StreamCall) => void,
    tls: TlsIdentity | null = null,
  ): Promise<void> {
    const unary = (name: string, isCompressible: boolean): GrpcMethod => ({
      kind: "unary",
      path: `/test.Service/${name}`,
      isCompressible,
      handle: (call) => {
        if (call.message.byteLength === 0) call.fail(failure("NOT_FOUND", "nothing"));
        else call.reply(call.message);
      },
    });
    transport = new GrpcJsTransport((thrown) => assert.fail(String(thrown)), {
      ...plainTransport,
      tls,
      responseCompression: level,
    });
    const port = await transport.listen("127.0.0.1", 0, [
      unary("Infer", true),
      unary("Other", false),
      {
        kind: "stream",
        path: "/test.Service/Stream",
        isCompressible: true,
        open: (call) => {
          onStream?.(call);
          return deafListener;
        },
      },
    ]);
    const root = tlsPem("root", "cert");
    session =
      tls === null ? connect(`http://127.0.0.1:${port}`) : connect(`https://localhost:${port}`, { ca: root });
  }

  async function call(name: string, accepted: string | null, message: Buffer): Promise<WireReply> {
    const stream = session!.request({
      ":method": "POST",
      ":path": `/test.Service/${name}`,
      "content-type": "application/grpc",
      te: "trailers",
      ...(accepted === null ? {} : { "grpc-accept-encoding": accepted }),
    });
    let head: IncomingHttpHeaders = {};
    let tail: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => (head = headers));
    stream.on("trailers", (headers: IncomingHttpHeaders) => (tail = headers));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.end(framed(message));
    await once(stream, "close");
    const body = Buffer.concat(chunks);
    const messages: { isCompressed: boolean; bytes: Buffer }[] = [];
    for (let at = 0; at < body.byteLength; ) {
      const end = at + 5 + body.readUInt32BE(at + 1);
      messages.push({ isCompressed: body.readUInt8(at) === 1, bytes: body.subarray(at + 5, end) });
      at = end;
    }
    return { encoding: head["grpc-encoding"], messages, status: tail["grpc-status"] ?? head["grpc-status"] };
  }

  for (const byteLength of [2_000, 600_000]) {
    it(`ResponseCompressor compresses ${byteLength} bytes for clients that accept it, and only theirs`, async () => {
      await listen("low");
      const message = text(byteLength, "a");
      const [gzip, deflate, none, silent, other] = await Promise.all([
        call("Infer", "identity, deflate, gzip", message),
        call("Infer", "deflate", message),
        call("Infer", "identity", message),
        call("Infer", null, message),
        call("Other", "gzip", message),
      ]);
      for (const [reply, encoding, expand] of [
        [gzip, "gzip", gunzipSync],
        [deflate, "deflate", inflateSync],
      ] as const) {
        assert.deepEqual([reply.encoding, reply.status, reply.messages.length], [encoding, "0", 1]);
        const [only] = reply.messages;
        assert.ok(only!.isCompressed && only!.bytes.byteLength < byteLength / 10);
        assert.ok(expand(only!.bytes).equals(message));
      }
      for (const reply of [none, silent, other]) {
        assert.deepEqual([reply.encoding, reply.status], ["identity", "0"]);
        const [only] = reply.messages;
        assert.ok(!only!.isCompressed && only!.bytes.equals(message));
      }
    });
  }

  it("ResponseCompressor takes the encoding that compresses more at a higher level", async () => {
    await listen("high");
    const reply = await call("Infer", "gzip,deflate", text(5_000, "a"));
    assert.equal(reply.encoding, "deflate");
    assert.ok(inflateSync(reply.messages[0]!.bytes).equals(text(5_000, "a")));
  });

  it("ResponseCompressor compresses over TLS too", async () => {
    const certificateChain = tlsPem("server", "cert");
    await listen("low", undefined, {
      certificateChain,
      privateKey: tlsPem("server", "key"),
      clientRoots: null,
    });
    const reply = await call("Infer", "gzip", text(5_000, "a"));
    assert.equal(reply.encoding, "gzip");
    assert.ok(gunzipSync(reply.messages[0]!.bytes).equals(text(5_000, "a")));
  });

  it("ResponseCompressor sends short messages plain, and failures as ever", async () => {
    await listen("low");
    const reply = await call("Infer", "gzip", text(100, "a"));
    assert.deepEqual([reply.status, reply.messages[0]?.isCompressed], ["0", false]);
    assert.ok(reply.messages[0]?.bytes.equals(text(100, "a")));
    const refused = await call("Infer", "gzip", Buffer.alloc(0));
    assert.deepEqual([refused.status, refused.messages.length], ["5", 0]);
  });

  it("ResponseCompressor keeps the order of a stream's messages, however long each takes", async () => {
    const lengths = [3_000_000, 10, 5_000, 1_000_000, 2_000, 20];
    await listen("low", (open) => {
      for (const [index, length] of lengths.entries()) open.send(text(length, String(index)));
      open.end();
    });
    const reply = await call("Stream", "gzip", Buffer.alloc(1));
    assert.deepEqual([reply.encoding, reply.status], ["gzip", "0"]);
    const messages = reply.messages.map(({ isCompressed, bytes }) =>
      isCompressed ? gunzipSync(bytes) : bytes,
    );
    assert.deepEqual(
      messages.map(({ byteLength }) => byteLength),
      lengths,
    );
    for (const [index, bytes] of messages.entries())
      assert.equal(bytes.toString("latin1", 0, 1), String(index));
    assert.deepEqual(
      reply.messages.map(({ isCompressed }) => isCompressed),
      lengths.map((length) => length >= 1_024),
    );
  });

  it("ResponseCompressor ends a stream with a failure after what was sent before", async () => {
    await listen("low", (open) => {
      open.send(text(500_000, "a"));
      open.fail(failure("UNAVAILABLE", "enough"));
    });
    const reply = await call("Stream", "gzip", Buffer.alloc(1));
    assert.deepEqual([reply.status, reply.messages.length], ["14", 1]);
    assert.ok(gunzipSync(reply.messages[0]!.bytes).equals(text(500_000, "a")));
  });

  it("ResponseCompressor survives clients that go away meanwhile", async () => {
    await listen("low");
    const stream = session!.request({
      ":method": "POST",
      ":path": "/test.Service/Infer",
      "content-type": "application/grpc",
      "grpc-accept-encoding": "gzip",
    });
    stream.on("error", () => {});
    stream.end(framed(text(5_000_000, "a")));
    await new Promise((resolve) => stream.once("finish", resolve));
    stream.close(8);
    const reply = await call("Infer", "gzip", text(5_000, "b"));
    assert.equal(reply.status, "0");
  });

  it("ResponseCompressor refuses a library that keeps its HTTP/2 servers elsewhere", () => {
    const compressor = new ResponseCompressor("low", new Set());
    // Not bound, it has none.
    assert.throws(() => compressor.watch(new Server()), {
      code: "UNSUPPORTED",
      message:
        /^--grpc-infer-response-compression-level cannot be used with this version of the gRPC library/,
    });
  });
});
