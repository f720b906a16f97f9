import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import {
  Client,
  type ClientDuplexStream,
  credentials,
  logVerbosity,
  Metadata,
  type ServiceError,
  setLogVerbosity,
  status,
} from "@grpc/grpc-js";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import { failure } from "../../../../../server/core/status.ts";
import { GrpcJsTransport } from "../../../../../server/grpc/transport/grpc-js-transport.ts";
import type {
  GrpcMethod,
  StreamCall,
  StreamListener,
  UnaryCall,
} from "../../../../../server/grpc/transport/grpc-transport.ts";

const identity = (bytes: Buffer): Buffer => bytes;

/** What each test puts behind the two methods. */
interface Behaviour {
  unary: (call: UnaryCall) => void;
  stream: (call: StreamCall) => StreamListener;
}

describe("GrpcJsTransport", () => {
  const behaviour: Behaviour = { unary: () => {}, stream: () => deaf };
  const deaf: StreamListener = {
    onMessage: () => {},
    onHalfClose: () => {},
    onWritten: () => {},
    onCancelled: () => {},
  };
  const methods: GrpcMethod[] = [
    {
      kind: "unary",
      path: "/test.Service/Unary",
      isCompressible: false,
      handle: (call) => behaviour.unary(call),
    },
    {
      kind: "stream",
      path: "/test.Service/Stream",
      isCompressible: false,
      open: (call) => behaviour.stream(call),
    },
  ];
  let bugs: unknown[];
  let transport: GrpcJsTransport;
  let client: Client;

  // The library prints what it also throws.
  before(() => setLogVerbosity(logVerbosity.NONE));
  after(() => setLogVerbosity(logVerbosity.ERROR));
  beforeEach(async () => {
    bugs = [];
    transport = new GrpcJsTransport((thrown) => bugs.push(thrown));
    const port = await transport.listen("127.0.0.1", 0, methods);
    client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    await transport.stop(1000);
  });

  function call(message: Buffer, metadata = new Metadata()): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        "/test.Service/Unary",
        identity,
        identity,
        message,
        metadata,
        (error, response) => {
          if (error !== null) reject(error);
          else resolve(response ?? Buffer.of());
        },
      );
    });
  }

  async function failed(outcome: Promise<unknown>): Promise<[number, string]> {
    try {
      await outcome;
    } catch (thrown) {
      const { code, details } = thrown as ServiceError;
      return [code, details];
    }
    throw new Error("the call succeeded");
  }

  function openStream(): ClientDuplexStream<Buffer, Buffer> {
    return client.makeBidiStreamRequest("/test.Service/Stream", identity, identity);
  }

  it("GrpcJsTransport passes a unary message both ways, empty ones too", async () => {
    behaviour.unary = (unary) => unary.reply(Buffer.concat([unary.message, unary.message]));
    assert.deepEqual(await call(Buffer.of(1, 2)), Buffer.of(1, 2, 1, 2));
    assert.deepEqual(await call(Buffer.of()), Buffer.of());
  });

  it("GrpcJsTransport lets a message write itself into place, before reply returns", async () => {
    const starts: number[] = [];
    const lent = Buffer.of(1, 2, 3);
    behaviour.unary = (unary) => {
      unary.reply({
        byteLength: 3,
        copy: (target, targetStart) => {
          starts.push(targetStart);
          target.set(lent, targetStart);
        },
      });
      lent.fill(0);
    };
    assert.deepEqual(await call(Buffer.of()), Buffer.of(1, 2, 3));
    // Behind the frame's flag and length.
    assert.deepEqual(starts, [5]);
  });

  it("GrpcJsTransport gives handlers the client's metadata", async () => {
    behaviour.unary = (unary) =>
      unary.reply(Buffer.from(`${unary.metadata("x-key")} ${unary.metadata("x-none")}`));
    const metadata = new Metadata();
    metadata.set("X-Key", "value");
    assert.equal((await call(Buffer.of(), metadata)).toString(), "value undefined");
  });

  it("GrpcJsTransport cuts messages that would not fit into a header, and mends broken characters", async () => {
    behaviour.unary = (unary) => unary.fail(failure("NOT_FOUND", "x".repeat(100_000)));
    assert.deepEqual(await failed(call(Buffer.of())), [status.NOT_FOUND, `${"x".repeat(2048)}…`]);
    behaviour.unary = (unary) => unary.fail(failure("NOT_FOUND", "half \ud83d, whole \ud83d\ude00"));
    assert.deepEqual(await failed(call(Buffer.of())), [status.NOT_FOUND, "half \ufffd, whole \ud83d\ude00"]);
  });

  it("GrpcJsTransport tells a unary call's target when the client cancels", async () => {
    const cancelled = new Promise<boolean>((resolve) => {
      behaviour.unary = (unary) => {
        unary.cancelWith({ cancel: () => resolve(unary.isCancelled) });
        pending.cancel();
      };
    });
    const pending = client.makeUnaryRequest("/test.Service/Unary", identity, identity, Buffer.of(), () => {});
    assert.equal(await cancelled, true);
  });

  it("GrpcJsTransport answers INTERNAL when a handler throws, and reports it", async () => {
    const bug = new Error("secret");
    behaviour.unary = () => {
      throw bug;
    };
    assert.deepEqual(await failed(call(Buffer.of())), [status.INTERNAL, "Internal error"]);
    assert.deepEqual(bugs, [bug]);
  });

  it("GrpcJsTransport passes stream messages both ways and ends with OK", async () => {
    behaviour.stream = (stream) => ({
      ...deaf,
      onMessage: (message) => stream.send(Buffer.concat([message, Buffer.of(9)])),
      onHalfClose: () => {
        stream.send(Buffer.from(stream.metadata("x-none") ?? "last"));
        stream.end();
      },
    });
    const received: string[] = [];
    const code = await new Promise<number>((resolve) => {
      const stream = openStream();
      stream.on("data", (message: Buffer) => received.push(message.toString("hex")));
      stream.on("status", (end) => resolve(end.code));
      stream.write(Buffer.of(1));
      stream.write(Buffer.of(2));
      stream.end();
    });
    assert.deepEqual([code, ...received], [status.OK, "0109", "0209", Buffer.from("last").toString("hex")]);
  });

  it("GrpcJsTransport ends a stream with a failure and tells its listener nothing more", async () => {
    let messageCount = 0;
    behaviour.stream = (stream) => ({
      ...deaf,
      onMessage: () => {
        messageCount++;
        stream.fail(failure("INVALID_ARG", "no more"));
        stream.send(Buffer.of(1));
        stream.end();
      },
    });
    const error = await new Promise<ServiceError>((resolve, reject) => {
      const stream = openStream();
      stream.on("data", () => reject(new Error("a message came")));
      stream.on("error", (thrown) => resolve(thrown as ServiceError));
      stream.write(Buffer.of(1));
      stream.write(Buffer.of(2));
    });
    assert.deepEqual([error.code, error.details, messageCount], [status.INVALID_ARGUMENT, "no more", 1]);
  });

  it("GrpcJsTransport tells a stream's listener when the client cancels", async () => {
    const cancelled = new Promise<boolean>((resolve) => {
      behaviour.stream = (stream) => ({
        ...deaf,
        onMessage: () => source.cancel(),
        onCancelled: () => resolve(stream.isCancelled),
      });
    });
    const source = openStream();
    source.on("error", () => {});
    source.write(Buffer.of(1));
    assert.equal(await cancelled, true);
  });

  it("GrpcJsTransport lets a stream's message write itself, at once also behind others", async () => {
    const lent = Buffer.of(1);
    const message = { byteLength: 1, copy: (target: Buffer, at: number) => target.set(lent, at) };
    behaviour.stream = (stream) => ({
      ...deaf,
      onMessage: () => {
        for (let i = 1; i <= 3; i++) {
          lent[0] = i;
          stream.send(message);
        }
        lent[0] = 0;
        stream.end();
      },
    });
    const received: number[] = [];
    await new Promise((resolve) => {
      const stream = openStream();
      stream.on("data", (bytes: Buffer) => received.push(...bytes));
      stream.on("status", resolve);
      stream.write(Buffer.of());
    });
    assert.deepEqual(received, [1, 2, 3]);
  });

  it("GrpcJsTransport tells when a stream's message has left, which waits for the client", async () => {
    const large = Buffer.alloc(300_000);
    const written: number[] = [];
    let isSending = false;
    let onAllWritten = (): void => {};
    const allWritten = new Promise<void>((resolve) => (onAllWritten = resolve));
    const sent = new Promise<void>((resolve) => {
      behaviour.stream = (stream) => ({
        ...deaf,
        onMessage: () => {
          isSending = true;
          for (let i = 0; i < 5; i++) stream.send(large);
          isSending = false;
          resolve();
        },
        onWritten: () => {
          assert.equal(isSending, false);
          written.push(written.length);
          if (written.length === 5) onAllWritten();
        },
      });
    });
    const stream = openStream();
    stream.on("error", () => {});
    stream.write(Buffer.of());
    await sent;
    // A call beside it: the client is there, and takes nothing of the stream beyond its window.
    behaviour.unary = (unary) => unary.reply(unary.message);
    await call(Buffer.of());
    assert.ok(written.length < 5, `${written.length} messages have left`);
    stream.on("data", () => {});
    await allWritten;
    stream.cancel();
  });

  it("GrpcJsTransport keeps a paused stream's messages and half-close until it is resumed", async () => {
    const events: string[] = [];
    const paused = new Promise<StreamCall>((resolve) => {
      behaviour.stream = (stream) => ({
        ...deaf,
        onMessage: (message) => {
          events.push(message.toString("hex"));
          if (events.length > 1) return;
          stream.pause();
          resolve(stream);
        },
        onHalfClose: () => stream.end(),
      });
    });
    const stream = openStream();
    const ended = new Promise((resolve) => stream.on("status", resolve));
    stream.on("data", () => {});
    for (let i = 1; i <= 3; i++) stream.write(Buffer.of(i));
    stream.end();
    const server = await paused;
    behaviour.unary = (unary) => unary.reply(unary.message);
    await call(Buffer.of());
    assert.deepEqual(events, ["01"]);
    server.resume();
    await ended;
    assert.deepEqual(events, ["01", "02", "03"]);
  });

  it("GrpcJsTransport tells a paused stream's listener when the client cancels, and nothing afterwards", async () => {
    const events: string[] = [];
    const cancelled = new Promise<void>((resolve) => {
      behaviour.stream = (stream) => ({
        onMessage: () => {
          stream.pause();
          stream.send(Buffer.alloc(300_000));
          source.cancel();
        },
        onHalfClose: () => {},
        onWritten: () => events.push("written"),
        onCancelled: () => {
          events.push("cancelled");
          resolve();
        },
      });
    });
    const source = openStream();
    source.on("error", () => {});
    for (let i = 0; i < 40; i++) source.write(Buffer.alloc(5_000));
    await cancelled;
    behaviour.unary = (unary) => unary.reply(unary.message);
    await call(Buffer.of());
    assert.deepEqual(events, ["cancelled"]);
  });

  it("GrpcJsTransport ends a stream with INTERNAL when its listener throws, and tells both sides", async () => {
    const bug = new Error("secret");
    let cancelCount = 0;
    behaviour.stream = () => ({
      ...deaf,
      onCancelled: () => cancelCount++,
      onMessage: () => {
        throw bug;
      },
    });
    const error = await new Promise<ServiceError>((resolve) => {
      const stream = openStream();
      stream.on("data", () => {});
      stream.on("error", (thrown) => resolve(thrown as ServiceError));
      stream.write(Buffer.of(1));
    });
    assert.deepEqual([error.code, error.details, bugs], [status.INTERNAL, "Internal error", [bug]]);
    assert.equal(cancelCount, 1);
  });

  it("GrpcJsTransport lets an open call finish while it stops, and takes no new one", async () => {
    const arrived = new Promise<UnaryCall>((resolve) => (behaviour.unary = resolve));
    const outcome = call(Buffer.of());
    const open = await arrived;
    const stopped = transport.stop(60_000);
    open.reply(Buffer.of(7));
    assert.deepEqual(await outcome, Buffer.of(7));
    await stopped;
    assert.equal((await failed(call(Buffer.of())))[0], status.UNAVAILABLE);
  });

  it("GrpcJsTransport closes calls that are still open when the budget is used up", async () => {
    const arrived = new Promise<UnaryCall>((resolve) => (behaviour.unary = resolve));
    const outcome = failed(call(Buffer.of()));
    await arrived;
    await transport.stop(20);
    const statuses: number[] = [status.UNAVAILABLE, status.CANCELLED];
    assert.ok(statuses.includes((await outcome)[0]));
  });

  it("GrpcJsTransport is not held up by an idle connection when it stops", async () => {
    behaviour.unary = (unary) => unary.reply(unary.message);
    await call(Buffer.of());
    await transport.stop(60_000);
  });

  it("GrpcJsTransport refuses a port that another listener has", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const second = new GrpcJsTransport(() => {});
    try {
      await assert.rejects(second.listen("127.0.0.1", port, []), {
        name: "StatusError",
        code: "UNAVAILABLE",
        message: new RegExp(`127\\.0\\.0\\.1:${port}: another process uses this port.*--grpc-port`),
      });
    } finally {
      other.close();
      await second.stop(0);
    }
  });

  it("GrpcJsTransport refuses an address that this machine does not have", async () => {
    const second = new GrpcJsTransport(() => {});
    // 192.0.2.0/24 is set aside for documentation: no machine has it.
    await assert.rejects(second.listen("192.0.2.1", 0, []), {
      code: "UNAVAILABLE",
      message: /192\.0\.2\.1:0: this machine has no such address.*--grpc-address/,
    });
    await second.stop(0);
  });
});
