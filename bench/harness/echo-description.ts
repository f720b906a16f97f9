import protobuf from "protobufjs";
import descriptor from "../../protos/gen/descriptor.json" with { type: "json" };
import { identityBenchModel as model } from "./bench-repository.ts";

/** What the echo baselines say about themselves to a generator that asks: the identity model, which an echo is. */
const metadata = {
  name: model.name,
  versions: ["1"],
  platform: "echo",
  inputs: [{ name: model.inputName, datatype: "FP32", shape: [-1, model.inputLength] }],
  outputs: [{ name: model.outputName, datatype: "FP32", shape: [-1, model.inputLength] }],
};
const config = { name: model.name, max_batch_size: 64 };

const root = protobuf.Root.fromJSON(descriptor);

/** A reply behind gRPC's five framing bytes. */
function framed(type: string, fields: Readonly<Record<string, unknown>>): Buffer {
  const messageType = root.lookupType(`inference.${type}`);
  const message = messageType.encode(messageType.fromObject(fields)).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

/** Replies by the end of the path over HTTP, and by the name of the method over gRPC. */
export const echoDescription: {
  readonly http: Readonly<Record<"metadata" | "config", string>>;
  readonly grpc: Readonly<Record<string, Buffer>>;
} = {
  http: { metadata: JSON.stringify(metadata), config: JSON.stringify(config) },
  grpc: {
    ModelMetadata: framed("ModelMetadataResponse", metadata),
    ModelReady: framed("ModelReadyResponse", { ready: true }),
    ModelConfig: framed("ModelConfigResponse", { config }),
  },
};
