import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { echoDescription } from "../harness/echo-description.ts";

/**
 * `node h2-echo.js <port>`: what `node:http2` does alone. Answers every call with the bytes that it got and status OK. The
 * three calls that ask about the model get its description, so that perf_analyzer can load it as well.
 */
const port = Number(process.argv[2]);

const okHeaders = { ":status": 200, "content-type": "application/grpc" } as const;
const okTrailers = { "grpc-status": "0" } as const;
const unimplementedHeaders = { ...okHeaders, "grpc-status": "12" } as const;

function answer(stream: ServerHttp2Stream, body: Uint8Array): void {
  stream.respond(okHeaders, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers(okTrailers));
  stream.end(body);
}

function echo(stream: ServerHttp2Stream): void {
  let received: Buffer | null = null;
  stream.on("data", (chunk: Buffer) => {
    received = received === null ? chunk : Buffer.concat([received, chunk]);
  });
  stream.once("end", () => answer(stream, received ?? Buffer.alloc(0)));
}

const server = createServer();
server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  // A generator that is stopped in the middle resets its streams.
  stream.on("error", () => undefined);
  const method = String(headers[":path"]).slice("/inference.GRPCInferenceService/".length);
  if (method === "ModelInfer") {
    echo(stream);
    return;
  }
  stream.resume();
  const reply = echoDescription.grpc[method];
  if (reply === undefined) stream.respond(unimplementedHeaders, { endStream: true });
  else answer(stream, reply);
});
server.listen(port, "127.0.0.1");
server.on("error", (error: Error) => {
  console.error(error.message);
  process.exit(1);
});
