import { deflateSync, gzipSync } from "node:zlib";
import { type Message, messageType } from "../helpers/grpc-client.ts";
import { mutatedBytes } from "./json-mutation.ts";
import { mutatedMessage } from "./protobuf-mutation.ts";
import type { RandomSource } from "./random-source.ts";

/** A unary call as it goes out over HTTP/2. */
export interface GrpcCase {
  readonly path: string;
  /** Full name of the message that a good answer has. */
  readonly responseType: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the stream carries: frames of gRPC. */
  readonly data: Buffer;
  /** Whether it is one whole frame: then the call gets a status. Otherwise it may also be reset. */
  readonly isWellFramed: boolean;
}

const numbers = Array.from({ length: 16 }, (_, index) => index);
const raw = Buffer.from(Int32Array.from(numbers).buffer);
const int32 = (name: string): Message => ({ name, datatype: "INT32", shape: [1, 16] });
const model: Message = { name: "simple", version: "1" };
const expendable = "expendable";

/** A good request of each unary method. ModelInfer has several, because it has the most to get wrong. */
const templates: readonly (readonly [method: string, request: Message])[] = [
  [
    "ModelInfer",
    {
      model_name: "simple",
      id: "7",
      parameters: { priority: { uint64_param: 0 }, own: { string_param: "x" }, timeout: { int64_param: 5 } },
      inputs: [int32("INPUT0"), int32("INPUT1")],
      outputs: [{ name: "OUTPUT0", parameters: { classification: { int64_param: 2 } } }, { name: "OUTPUT1" }],
      raw_input_contents: [raw, raw],
    },
  ],
  [
    "ModelInfer",
    {
      model_name: "simple",
      inputs: ["INPUT0", "INPUT1"].map((name) => ({ ...int32(name), contents: { int_contents: numbers } })),
    },
  ],
  [
    "ModelInfer",
    {
      model_name: "simple_identity",
      inputs: [
        {
          name: "INPUT0",
          datatype: "BYTES",
          shape: [1, 3],
          contents: { bytes_contents: ["", "ab", "ü"].map((text) => Buffer.from(text)) },
        },
      ],
    },
  ],
  [
    "ModelInfer",
    {
      model_name: "digits",
      inputs: [
        {
          name: "image",
          datatype: "FP32",
          shape: [1, 1, 8, 8],
          contents: { fp32_contents: new Array<number>(64).fill(0.5) },
        },
      ],
    },
  ],
  ["ServerLive", {}],
  ["ServerReady", {}],
  ["ModelReady", model],
  ["ServerMetadata", {}],
  ["ModelMetadata", model],
  ["ModelConfig", model],
  ["ModelStatistics", model],
  ["RepositoryIndex", { repository_name: "", ready: true }],
  [
    "RepositoryModelLoad",
    {
      model_name: expendable,
      parameters: {
        config: { string_param: '{"name":"expendable","backend":"onnxruntime","max_batch_size":2}' },
        "file:1/model.onnx": { bytes_param: Buffer.from("not a model") },
      },
    },
  ],
  ["RepositoryModelLoad", { model_name: expendable }],
  [
    "RepositoryModelUnload",
    { model_name: expendable, parameters: { unload_dependents: { bool_param: true } } },
  ],
  // Not log_error: the test reads the log for what went wrong.
  [
    "LogSettings",
    { settings: { log_verbose_level: { uint32_param: 0 }, log_format: { string_param: "default" } } },
  ],
  ["TraceSetting", { settings: { trace_rate: { value: ["5"] } }, model_name: "simple" }],
  ["SystemSharedMemoryStatus", { name: "r" }],
  ["SystemSharedMemoryRegister", { name: "r", key: "/nereid-fuzz-nowhere", offset: 0, byte_size: 64 }],
  ["SystemSharedMemoryUnregister", { name: "r" }],
  ["CudaSharedMemoryStatus", { name: "r" }],
  ["CudaSharedMemoryRegister", { name: "r", raw_handle: Buffer.alloc(64), device_id: 0, byte_size: 64 }],
  ["CudaSharedMemoryUnregister", { name: "r" }],
  ["/grpc.health.v1.Health/Check", { service: "any" }],
];

function encoded(typeName: string, message: Message): Buffer {
  const type = messageType(typeName);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

const prepared = templates.map(([method, request]) => {
  const isHealth = method.startsWith("/");
  const names = isHealth
    ? { request: "grpc.health.v1.HealthCheckRequest", response: "grpc.health.v1.HealthCheckResponse" }
    : { request: `inference.${method}Request`, response: `inference.${method}Response` };
  return {
    path: isHealth ? method : `/inference.GRPCInferenceService/${method}`,
    responseType: names.response,
    message: encoded(names.request, request),
  };
});
const inferCount = templates.filter(([method]) => method === "ModelInfer").length;

/** Good ModelInferRequests. */
export const inferMessages: readonly Buffer[] = prepared.slice(0, inferCount).map(({ message }) => message);

/** One frame of gRPC: a flag, the length, the message. */
export function frame(message: Buffer, flag = 0, length = message.byteLength): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** Something in the place of a frame, most often none. */
export function brokenFrame(message: Buffer, random: RandomSource): Buffer {
  switch (random.below(7)) {
    case 0:
      return frame(message, 0, random.pick([0, 1, message.byteLength + 1, 2 ** 31, 2 ** 32 - 1]));
    case 1:
      return frame(message, random.pick([1, 2, 255]));
    case 2:
      return frame(message).subarray(0, random.below(message.byteLength + 5));
    case 3:
      return Buffer.concat([frame(message), frame(message)]);
    case 4:
      return Buffer.alloc(0);
    case 5:
      return mutatedBytes(frame(message), random);
    default:
      return random.bytes(random.below(30));
  }
}

/** Makes a call: the same one for the same random source. */
export function makeGrpcCase(random: RandomSource): GrpcCase {
  const { path, responseType, message } = random.pick(
    random.onceIn(2) ? prepared.slice(0, inferCount) : prepared.slice(inferCount),
  );
  const mutated = mutatedMessage(message, random);
  const headers: Record<string, string> = {};
  if (random.onceIn(20)) headers["grpc-timeout"] = random.pick(["10S", "1m", "99999999H", "0n"]);
  if (random.onceIn(20)) headers["x-fuzz"] = "v".repeat(random.below(2000));
  if (random.onceIn(8)) {
    const encoding = random.pick(["gzip", "deflate"] as const);
    headers["grpc-encoding"] = encoding;
    const compressed = encoding === "gzip" ? gzipSync(mutated) : deflateSync(mutated);
    const isWhole = !random.onceIn(3);
    const sent = isWhole ? compressed : mutatedBytes(compressed, random);
    return { path, responseType, headers, data: frame(sent, 1), isWellFramed: isWhole };
  }
  if (random.onceIn(10)) {
    if (random.onceIn(3)) headers["grpc-encoding"] = random.pick(["br", "identity", "", "gzip"]);
    if (random.onceIn(3)) headers["content-type"] = random.pick(["text/plain", "application/grpc+json", "x"]);
    const elsewhere = random.onceIn(5) ? { path: `${path}${random.pick(["x", "/", "?a=b"])}` } : { path };
    return { ...elsewhere, responseType, headers, data: brokenFrame(mutated, random), isWellFramed: false };
  }
  return { path, responseType, headers, data: frame(mutated), isWellFramed: true };
}
