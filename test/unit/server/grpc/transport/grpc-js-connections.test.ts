import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import {
  type ChannelCredentials,
  Client,
  compressionAlgorithms,
  credentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { afterEach, describe, it } from "mocha";
import { GrpcJsTransport } from "../../../../../server/grpc/transport/grpc-js-transport.ts";
import type { UnaryCall } from "../../../../../server/grpc/transport/grpc-transport.ts";
import {
  plainTransport,
  type TlsIdentity,
  type TransportSettings,
} from "../../../../../server/grpc/transport/transport-settings.ts";
import { type TlsFixture, tlsPem } from "../../../../helpers/tls-fixtures.ts";

const path = "/test.Service/Unary";
const identity = (bytes: Buffer): Buffer => bytes;

/** What begins every HTTP/2 connection, and an empty SETTINGS frame. */
const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0),
]);

describe("GrpcJsTransport's connections", () => {
  let transport: GrpcJsTransport | null = null;
  let handle: (call: UnaryCall) => void = (call) => call.reply(call.message);

  afterEach(async () => {
    await transport?.stop(0);
    handle = (call) => call.reply(call.message);
  });

  function listen(settings: Partial<TransportSettings>): Promise<number> {
    transport = new GrpcJsTransport((thrown) => assert.fail(String(thrown)), {
      ...plainTransport,
      ...settings,
    });
    return transport.listen("127.0.0.1", 0, [
      { kind: "unary", path, isCompressible: false, handle: (call) => handle(call) },
    ]);
  }

  /** The status of one call. */
  async function call(port: number, channel: ChannelCredentials): Promise<number> {
    const client = new Client(`localhost:${port}`, channel, { "grpc.use_local_subchannel_pool": 1 });
    try {
      return await new Promise((resolve) => {
        const done = (error: ServiceError | null): void => resolve(error?.code ?? status.OK);
        client.makeUnaryRequest(path, identity, identity, Buffer.of(1), done);
      });
    } finally {
      client.close();
    }
  }

  describe("with TLS", () => {
    const server = { certificateChain: tlsPem("server", "cert"), privateKey: tlsPem("server", "key") };
    const oneWay: TlsIdentity = { ...server, clientRoots: null };
    const mutual: TlsIdentity = { ...server, clientRoots: tlsPem("root", "cert") };
    const trusting = (name?: TlsFixture): ChannelCredentials =>
      name === undefined
        ? credentials.createSsl(tlsPem("root", "cert"))
        : credentials.createSsl(tlsPem("root", "cert"), tlsPem(name, "key"), tlsPem(name, "cert"));

    it("GrpcJsTransport serves clients that trust its certificate, and no others", async () => {
      const port = await listen({ tls: oneWay });
      assert.equal(await call(port, trusting()), status.OK);
      assert.equal(await call(port, credentials.createSsl(tlsPem("stranger", "cert"))), status.UNAVAILABLE);
      assert.equal(await call(port, credentials.createInsecure()), status.UNAVAILABLE);
    });

    it("GrpcJsTransport with client roots serves only clients whose certificate they signed", async () => {
      const port = await listen({ tls: mutual });
      assert.equal(await call(port, trusting("client")), status.OK);
      assert.equal(await call(port, trusting()), status.UNAVAILABLE);
      assert.equal(await call(port, trusting("stranger")), status.UNAVAILABLE);
    });
  });

  it("GrpcJsTransport pings a connection again and again, calls or not", async () => {
    const port = await listen({ keepaliveTimeMs: 5 });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    await once(session, "ping");
    await once(session, "ping");
    session.destroy();
  });

  it("GrpcJsTransport closes a connection that does not answer a ping in time", async () => {
    const port = await listen({ keepaliveTimeMs: 5, keepaliveTimeoutMs: 5 });
    const socket = connectTcp(port, "127.0.0.1");
    socket.resume();
    socket.write(preface);
    // It would stay open for ever otherwise.
    await once(socket, "close");
  });

  it("GrpcJsTransport tells a connection of the greatest age to take no more calls", async () => {
    const port = await listen({ maxConnectionAgeMs: 5 });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const [code, , reason] = (await once(session, "goaway")) as [number, number, Buffer];
    assert.deepEqual([code, Buffer.from(reason).toString()], [0, "max_age"]);
    session.destroy();
  });

  for (const [graceMs, outcome] of [
    [0, "lets the calls of a connection that is too old end without a limit for their grace"],
    [5, "ends the calls of a connection that is too old after their grace"],
  ] as const) {
    it(`GrpcJsTransport ${outcome}`, async () => {
      // Young enough for the call to arrive on a busy machine.
      const port = await listen({ maxConnectionAgeMs: 250, maxConnectionAgeGraceMs: graceMs });
      const arrived = new Promise<UnaryCall>((resolve) => (handle = resolve));
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      session.on("error", () => {});
      const goaway = once(session, "goaway");
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.end(Buffer.of(0, 0, 0, 0, 1, 7));
      const open = await arrived;
      await goaway;
      const received: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => received.push(chunk));
      if (graceMs === 0) open.reply(open.message);
      await once(stream, "close");
      assert.equal(Buffer.concat(received).toString("hex"), graceMs === 0 ? "000000000107" : "");
      session.destroy();
    });
  }

  for (const [name, algorithm] of [
    ["deflate", compressionAlgorithms.deflate],
    ["gzip", compressionAlgorithms.gzip],
  ] as const) {
    it(`GrpcJsTransport reads requests that are compressed with ${name}`, async () => {
      const port = await listen({});
      const message = Buffer.alloc(600_000, "tensor ");
      let receivedBytes = 0;
      const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
        "grpc.default_compression_algorithm": algorithm,
      });
      handle = (open) => {
        receivedBytes = open.message.byteLength;
        open.reply(open.message);
      };
      const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
        client.makeUnaryRequest(path, identity, identity, message, (error, response) => {
          if (error === null) resolve(response);
          else reject(error);
        });
      });
      client.close();
      assert.equal(receivedBytes, message.byteLength);
      assert.ok(reply?.equals(message));
    });
  }
});
