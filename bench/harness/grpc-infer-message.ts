import { writeFileSync } from "node:fs";
import path from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import type { BenchModel } from "./bench-repository.ts";
import { verifyValues } from "./http-infer-message.ts";

const protoFile = path.resolve(import.meta.dirname, "../../../protos/grpc_service.proto");

/** Path of the RPC, in HTTP/2 terms. */
export const modelInferPath = "/inference.GRPCInferenceService/ModelInfer";
export const modelStreamInferPath = "/inference.GRPCInferenceService/ModelStreamInfer";

/** One ModelInfer call with raw contents, ready for the load generator. */
export interface GrpcInferMessage {
  /** The serialized ModelInferRequest. */
  readonly request: Buffer;
  /** File with the request behind gRPC's five framing bytes, for the load generator. */
  readonly bodyFile: string;
}

/** The fields of a ModelInferResponse that are checked. */
interface InferResponse {
  readonly rawOutputContents: readonly Uint8Array[];
}

/** Read with protobufjs from the .proto file, not with the server's codec: a fault in that would hide itself. */
async function messageType(name: string): Promise<protobuf.Type> {
  return (await protobuf.load(protoFile)).lookupType(`inference.${name}`);
}

/** Makes the request for one item and writes its framed form into `directory`. */
export async function grpcInferMessage(
  model: BenchModel,
  input: Float32Array,
  directory: string,
): Promise<GrpcInferMessage> {
  const type = await messageType("ModelInferRequest");
  const message = type.fromObject({
    modelName: model.name,
    inputs: [{ name: model.inputName, datatype: "FP32", shape: [1, input.length] }],
    rawInputContents: [new Uint8Array(input.buffer, input.byteOffset, input.byteLength)],
  });
  const request = Buffer.from(type.encode(message).finish());
  const bodyFile = path.join(directory, `${model.name}.grpc`);
  writeFileSync(bodyFile, framed(request));
  return { request, bodyFile };
}

/** One byte for "not compressed", the length as a big-endian uint32, the message. */
function framed(message: Buffer): Buffer {
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([frame, message]);
}

/**
 * Writes a stream's worth of one request into `directory`.
 *
 * @returns The file: what a client sends from the opening of a stream to its half-close.
 */
export function grpcStreamBody(message: GrpcInferMessage, messageCount: number, directory: string): string {
  const bodyFile = path.join(directory, `stream-of-${messageCount}.grpc`);
  const frame = framed(message.request);
  writeFileSync(bodyFile, Buffer.concat(Array.from({ length: messageCount }, () => frame)));
  return bodyFile;
}

/** One unary call of bytes. @throws Error when it does not end with status OK. */
export function callGrpc(port: number, request: Buffer): Promise<Buffer> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const pass = (bytes: Buffer): Buffer => bytes;
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(modelInferPath, pass, pass, request, (error, reply) => {
      if (error !== null) reject(error);
      else if (reply === undefined) reject(new Error("The call ended without a reply"));
      else resolve(reply);
    });
  }).finally(() => client.close());
}

/** Sends the message once and compares the output tensor. @throws Error that says what differed. */
export async function verifyGrpcInfer(
  port: number,
  message: GrpcInferMessage,
  expected: Float32Array,
): Promise<void> {
  const reply = await callGrpc(port, message.request);
  const type = await messageType("ModelInferResponse");
  const response = type.decode(reply) as protobuf.Message & InferResponse;
  const data = Uint8Array.from(response.rawOutputContents[0] ?? []);
  verifyValues("ModelInfer", new Float32Array(data.buffer), expected, 0);
}

/** Sends the message twice over one stream and compares the output tensors. @throws Error that says what differed. */
export async function verifyGrpcStream(
  port: number,
  message: GrpcInferMessage,
  expected: Float32Array,
): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const pass = (bytes: Buffer): Buffer => bytes;
  const replies = await new Promise<Buffer[]>((resolve, reject) => {
    const received: Buffer[] = [];
    const stream = client.makeBidiStreamRequest(modelStreamInferPath, pass, pass);
    stream.on("data", (reply: Buffer) => received.push(reply));
    stream.on("error", reject);
    stream.on("end", () => resolve(received));
    for (let i = 0; i < 2; i++) stream.write(message.request);
    stream.end();
  }).finally(() => client.close());
  const type = await messageType("ModelStreamInferResponse");
  if (replies.length !== 2) throw new Error(`ModelStreamInfer answered ${replies.length} of 2 requests`);
  for (const reply of replies) {
    const { inferResponse } = type.decode(reply) as protobuf.Message & { inferResponse: InferResponse };
    const data = Uint8Array.from(inferResponse.rawOutputContents[0] ?? []);
    verifyValues("ModelStreamInfer", new Float32Array(data.buffer), expected, 0);
  }
}
