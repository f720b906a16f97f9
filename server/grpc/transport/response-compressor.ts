import { EventEmitter } from "node:events";
import type { IncomingHttpHeaders } from "node:http2";
import {
  type Metadata,
  type Server,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import { StatusError } from "../../core/status.ts";
import type { OutgoingMessage } from "./grpc-transport.ts";
import { chooseEncoding, compressMessage, type CompressionLevel } from "./response-compression.ts";

/**
 * Compresses the responses of some methods for clients that accept it.
 *
 * @remarks
 * The library takes the client's `grpc-accept-encoding` out of the headers before anybody sees them. So this listens to
 * the library's own HTTP/2 servers, before the library does: Node tells of a call's headers, and while it does, the library
 * asks its interceptors about the call.
 *
 * ```text
 * HTTP/2 server ── "stream" ──► 1 this: remembers grpc-accept-encoding
 *                          └──► 2 library: makes the call ──► interceptor: looks it up
 * ```
 */
export class ResponseCompressor {
  readonly #level: CompressionLevel;
  readonly #paths: ReadonlySet<string>;
  /** Of the call whose headers came last. */
  #accepted = "";

  /** @param paths - Of the methods whose responses are compressed; may grow until {@link watch}. */
  constructor(level: CompressionLevel, paths: ReadonlySet<string>) {
    this.#level = level;
    this.#paths = paths;
  }

  /** For the library's option `interceptors`. */
  readonly interceptor = (
    method: Parameters<ServerInterceptor>[0],
    call: ServerInterceptingCallInterface,
  ): ServerInterceptingCallInterface => {
    const accepted = this.#accepted;
    this.#accepted = "";
    if (!this.#paths.has(method.path)) return call;
    const level = this.#level;
    const encoding = chooseEncoding(level, accepted);
    if (encoding === null) return call;
    return new ServerInterceptingCall(call, {
      sendMetadata: (metadata: Metadata, next) => {
        metadata.set("grpc-encoding", encoding);
        next(metadata);
      },
      // The library sends nothing else on the call before `next` has been called.
      sendMessage: (message: OutgoingMessage, next) => compressMessage(message, encoding, level, next),
    });
  };

  /**
   * Begins to listen to a server that has been bound.
   *
   * @throws StatusError UNSUPPORTED when the library keeps its HTTP/2 servers somewhere else than the versions that this
   * was made for.
   */
  watch(server: Server): void {
    const http2Servers: unknown = Reflect.get(server, "http2Servers");
    const found = http2Servers instanceof Map ? [...http2Servers.keys()] : [];
    const emitters = found.filter((one) => one instanceof EventEmitter);
    if (emitters.length === 0 || emitters.some((one) => one.listenerCount("stream") === 0)) {
      throw new StatusError(
        "UNSUPPORTED",
        "--grpc-infer-response-compression-level cannot be used with this version of the gRPC library, which does not let the server see what a client accepts. Leave the option out",
      );
    }
    for (const emitter of emitters) emitter.prependListener("stream", this.#onStream);
  }

  readonly #onStream = (_stream: unknown, headers: IncomingHttpHeaders): void => {
    const accepted = headers["grpc-accept-encoding"];
    this.#accepted = typeof accepted === "string" ? accepted : "";
  };
}
