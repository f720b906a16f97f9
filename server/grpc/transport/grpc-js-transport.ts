import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { ResponseCompressor } from "./response-compressor.ts";
import {
  type Metadata,
  type ServerInterceptor,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import { type Failure, failure, StatusError } from "../../core/status.ts";
import { grpcStatus } from "../grpc-status.ts";
import { deafListener } from "./deaf-listener.ts";
import { noMessageAfterDeadline } from "./stream-deadline.ts";
import type {
  Cancellable,
  GrpcMethod,
  GrpcTransport,
  OutgoingMessage,
  StreamCall,
  StreamListener,
  StreamMethod,
  UnaryCall,
  UnaryMethod,
} from "./grpc-transport.ts";
import { plainTransport, type TlsIdentity, type TransportSettings } from "./transport-settings.ts";

/** A status message is a header; clients refuse headers of more than 8 or 16 KiB in total. */
const longestStatusMessage = 2048;

/** What the client gets to know of a bug. */
const internalFailure = failure("INTERNAL", "Internal error");

/** What the library gets in any case. */
const fixedOptions = {
  // The library stops at 4 MB, which is one image batch. Triton's limit is that of the format, 2 GiB.
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  // Call statistics that nobody reads: they cost an object and four closures per call.
  "grpc.enable_channelz": 0,
};

/** The last one is the first to get what a handler sends. */
function interceptorsWith(compressor: ResponseCompressor | null): ServerInterceptor[] {
  const all = [noMessageAfterDeadline, ...(compressor === null ? [] : [compressor.interceptor])];
  // The library takes any call from an interceptor, although its type says less.
  return all as ServerInterceptor[];
}

/** The transport on @grpc/grpc-js. One object serves one port, once. */
export class GrpcJsTransport implements GrpcTransport {
  readonly #server: Server;
  readonly #tls: TlsIdentity | null;
  readonly #onBug: (thrown: unknown) => void;
  /** `null`: no response is compressed. */
  readonly #compressor: ResponseCompressor | null;
  readonly #compressiblePaths = new Set<string>();
  /** Where the server listens, as the library spells it; "" while it does not. */
  #target = "";

  /**
   * @param onBug - Told what a handler threw. Handlers answer with failures, so anything thrown is a bug; the client gets
   * INTERNAL.
   */
  constructor(onBug: (thrown: unknown) => void, settings: TransportSettings = plainTransport) {
    this.#onBug = onBug;
    this.#tls = settings.tls;
    const { responseCompression: level } = settings;
    this.#compressor = level === "none" ? null : new ResponseCompressor(level, this.#compressiblePaths);
    this.#server = new Server({
      ...fixedOptions,
      ...connectionOptions(settings),
      interceptors: interceptorsWith(this.#compressor),
    });
  }

  async listen(address: string, port: number, methods: readonly GrpcMethod[]): Promise<number> {
    for (const method of methods) {
      if (method.isCompressible) this.#compressiblePaths.add(method.path);
      if (method.kind === "unary") this.#registerUnary(method);
      else this.#registerStream(method);
    }
    // The library binds every address that a name stands for and is content when one of them is free. One address can
    // only be free or taken.
    const host = await resolveHost(address);
    const boundPort = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(place(host, port), credentialsOf(this.#tls), (error, boundPort) => {
        if (error !== null) {
          reject(listenError(address, port, error));
          return;
        }
        this.#target = place(host, boundPort);
        resolve(boundPort);
      });
    });
    this.#compressor?.watch(this.#server);
    return boundPort;
  }

  stop(budgetMs: number): Promise<void> {
    // Drain first: it is what closes the connections that are left after the budget. The library's own forceShutdown
    // knows no connections while channelz is off, and draining after tryShutdown takes them all for closed.
    if (this.#target !== "") this.#server.drain(this.#target, budgetMs);
    return new Promise((resolve) => {
      this.#server.tryShutdown(() => {
        resolve();
      });
    });
  }

  #registerUnary(method: UnaryMethod): void {
    const handler = (source: Source, respond: sendUnaryData<OutgoingMessage>): void => {
      const call = new GrpcJsUnaryCall(source, respond);
      try {
        method.handle(call);
      } catch (thrown) {
        call.fail(internalFailure);
        this.#onBug(thrown);
      }
    };
    this.#server.register(method.path, handler, writesItself, passThrough, "unary");
  }

  #registerStream(method: StreamMethod): void {
    const handler = (source: StreamSource): void => {
      const call = new GrpcJsStreamCall(source, this.#onBug);
      try {
        call.follow(method.open(call));
      } catch (thrown) {
        call.onBug(thrown);
      }
    };
    this.#server.register(method.path, handler, writesItself, passThrough, "bidi");
  }
}

/** The library takes a missing age for "no limit". */
function connectionOptions(settings: TransportSettings): ServerOptions {
  const { maxConnectionAgeMs, maxConnectionAgeGraceMs } = settings;
  return {
    "grpc.keepalive_time_ms": settings.keepaliveTimeMs,
    "grpc.keepalive_timeout_ms": settings.keepaliveTimeoutMs,
    ...(maxConnectionAgeMs === 0 ? {} : { "grpc.max_connection_age_ms": maxConnectionAgeMs }),
    ...(maxConnectionAgeGraceMs === 0 ? {} : { "grpc.max_connection_age_grace_ms": maxConnectionAgeGraceMs }),
  };
}

function credentialsOf(tls: TlsIdentity | null): ServerCredentials {
  if (tls === null) return ServerCredentials.createInsecure();
  const { certificateChain: cert_chain, privateKey: private_key, clientRoots } = tls;
  return ServerCredentials.createSsl(clientRoots, [{ cert_chain, private_key }], clientRoots !== null);
}

/** Messages stay bytes: the library's own serialisation hooks do nothing. */
function passThrough(message: Buffer): Buffer {
  return message;
}

/**
 * The library allocates the frame of a message and asks what it takes for the serialised message for two things only:
 * its `byteLength`, and to `copy` itself behind the frame's five bytes. So a message can be written in its final place.
 */
function writesItself(message: OutgoingMessage): Buffer {
  return message as Buffer;
}

/** The library's call. */
type Source = ServerUnaryCall<Buffer, OutgoingMessage>;

class GrpcJsUnaryCall implements UnaryCall {
  readonly message: Buffer;
  readonly #source: Source;
  readonly #respond: sendUnaryData<OutgoingMessage>;

  constructor(source: Source, respond: sendUnaryData<OutgoingMessage>) {
    this.message = source.request;
    this.#source = source;
    this.#respond = respond;
  }

  get isCancelled(): boolean {
    return this.#source.cancelled;
  }

  metadata(key: string): string | undefined {
    return this.#source.metadata.get(key)[0]?.toString();
  }

  eachMetadata(visit: (lowerCaseKey: string, value: string) => void): void {
    visitMetadata(this.#source.metadata, visit);
  }

  cancelWith(target: Cancellable): void {
    this.#source.once("cancelled", () => {
      target.cancel();
    });
  }

  reply(message: OutgoingMessage): void {
    this.#respond(null, message);
  }

  fail(failure: Failure): void {
    this.#respond(statusOf(failure));
  }
}

type StreamSource = ServerDuplexStream<Buffer, OutgoingMessage>;

class GrpcJsStreamCall implements StreamCall {
  readonly #source: StreamSource;
  readonly #reportBug: (thrown: unknown) => void;
  #listener: StreamListener = deafListener;
  #hasEnded = false;

  constructor(source: StreamSource, reportBug: (thrown: unknown) => void) {
    this.#source = source;
    this.#reportBug = reportBug;
  }

  get isCancelled(): boolean {
    return this.#source.cancelled;
  }

  metadata(key: string): string | undefined {
    return this.#source.metadata.get(key)[0]?.toString();
  }

  eachMetadata(visit: (lowerCaseKey: string, value: string) => void): void {
    visitMetadata(this.#source.metadata, visit);
  }

  /** Passes the stream's events on until the call has ended. */
  follow(listener: StreamListener): void {
    if (this.#hasEnded) return;
    this.#listener = listener;
    this.#source.on("data", (message: Buffer) => {
      if (this.#hasEnded) return;
      try {
        listener.onMessage(message);
      } catch (thrown) {
        this.onBug(thrown);
      }
    });
    this.#source.on("end", () => {
      if (this.#hasEnded) return;
      try {
        listener.onHalfClose();
      } catch (thrown) {
        this.onBug(thrown);
      }
    });
    this.#source.on("cancelled", () => {
      if (this.#hasEnded) return;
      // A write that was under way may still be told of as done.
      this.#hasEnded = true;
      try {
        listener.onCancelled();
      } catch (thrown) {
        this.onBug(thrown);
      }
    });
  }

  /** Ends the call for what its method or its listener threw. */
  onBug(thrown: unknown): void {
    this.#reportBug(thrown);
    if (this.#hasEnded) return;
    this.fail(internalFailure);
    try {
      this.#listener.onCancelled();
    } catch (another) {
      this.#reportBug(another);
    }
  }

  send(message: OutgoingMessage): void {
    if (this.#hasEnded || this.isCancelled) return;
    // The library asks for the bytes at once only when it has written everything before.
    const isIdle = this.#source.writableLength === 0;
    this.#source.write(isIdle ? message : copied(message), this.#onWritten);
  }

  pause(): void {
    this.#source.pause();
  }

  resume(): void {
    this.#source.resume();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#source.end();
  }

  fail(failure: Failure): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // The library's way to end a stream with a status. It asks for nothing but these two fields.
    this.#source.emit("error", statusOf(failure));
  }

  /** One function for all messages of the stream: they are written in their order. */
  readonly #onWritten = (error: Error | null | undefined): void => {
    // A message that could not be written ends the call; that is told as a cancellation.
    if (this.#hasEnded || (error !== null && error !== undefined)) return;
    try {
      this.#listener.onWritten();
    } catch (thrown) {
      this.onBug(thrown);
    }
  };
}

/** The message in memory of its own; a Buffer is the transport's already. */
function copied(message: OutgoingMessage): Buffer {
  if (Buffer.isBuffer(message)) return message;
  const bytes = Buffer.allocUnsafe(message.byteLength);
  message.copy(bytes, 0);
  return bytes;
}

function visitMetadata(metadata: Metadata, visit: (key: string, value: string) => void): void {
  for (const key of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(key)) if (typeof value === "string") visit(key, value);
  }
}

/** What the library sends as status and message. It escapes the text itself, but not half a surrogate pair. */
function statusOf(failure: Failure): { code: number; details: string } {
  const { message } = failure;
  const details =
    message.length > longestStatusMessage ? `${message.slice(0, longestStatusMessage)}…` : message;
  return { code: grpcStatus[failure.code], details: details.replace(loneSurrogate, "\ufffd") };
}

const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

async function resolveHost(address: string): Promise<string> {
  try {
    return (await lookup(address)).address;
  } catch (thrown) {
    throw new StatusError(
      "UNAVAILABLE",
      `Cannot listen for gRPC on "${address}": the name has no address. Choose another one with --grpc-address`,
      { cause: thrown },
    );
  }
}

/** `host:port`, with an IPv6 address in brackets. */
function place(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function listenError(address: string, port: number, error: Error): StatusError {
  let hint = `(${error.message})`;
  if (error.message.includes("EADDRINUSE")) {
    hint = "another process uses this port. Stop it, or choose another port with --grpc-port";
  } else if (error.message.includes("EACCES")) {
    hint = "this user may not open this port. Choose one above 1023 with --grpc-port";
  } else if (error.message.includes("EADDRNOTAVAIL")) {
    hint = "this machine has no such address. Choose another one with --grpc-address";
  }
  return new StatusError("UNAVAILABLE", `Cannot listen for gRPC on ${place(address, port)}: ${hint}`, {
    cause: error,
  });
}
