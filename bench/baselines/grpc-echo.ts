import {
  type ServerDuplexStream,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { modelInferPath, modelStreamInferPath } from "../harness/grpc-infer-message.ts";

/**
 * `node grpc-echo.js <port>`: what the gRPC library does alone. Answers every ModelInfer, and every message of a
 * ModelStreamInfer, with the bytes that it got.
 */
const port = Number(process.argv[2]);

const pass = (bytes: Buffer): Buffer => bytes;
const bytes = {
  requestSerialize: pass,
  requestDeserialize: pass,
  responseSerialize: pass,
  responseDeserialize: pass,
} as const;

const service: ServiceDefinition = {
  ModelInfer: { path: modelInferPath, requestStream: false, responseStream: false, ...bytes },
  ModelStreamInfer: { path: modelStreamInferPath, requestStream: true, responseStream: true, ...bytes },
};

/** A unary call as grpc-js hands it over, as far as it is used here. */
type EchoCall = (call: { readonly request: Buffer }, answer: (error: null, reply: Buffer) => void) => void;

const echo: EchoCall = (call, answer) => {
  answer(null, call.request);
};

const echoStream = (call: ServerDuplexStream<Buffer, Buffer>): void => {
  call.on("data", (message: Buffer) => call.write(message));
  call.on("end", () => call.end());
};

const server = new Server();
server.addService(service, { ModelInfer: echo as UntypedHandleCall, ModelStreamInfer: echoStream });
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
  if (error === null) return;
  console.error(error.message);
  process.exit(1);
});
