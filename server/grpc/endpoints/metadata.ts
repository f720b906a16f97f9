import { type DataPlane, isFailure } from "../../data-plane.ts";
import { readModelReference } from "../codec/model-reference.ts";
import { messageEncoder } from "../codec/service-descriptor.ts";
import { parseModelVersion } from "../model-version.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const encodeServerMetadata = messageEncoder("inference.ServerMetadataResponse");
const encodeModelMetadata = messageEncoder("inference.ModelMetadataResponse");

/** `ServerMetadata`: name, version and extensions of the server. */
export function serverMetadata(dataPlane: DataPlane, call: UnaryCall): void {
  call.reply(encodeServerMetadata(dataPlane.serverMetadata()));
}

/** `ModelMetadata`: versions, inputs and outputs of a model. */
export function modelMetadata(dataPlane: DataPlane, call: UnaryCall): void {
  const { name, version } = readModelReference(call.message, "ModelMetadataRequest");
  const number = parseModelVersion(version);
  if (typeof number !== "string") return call.fail(number);
  const metadata = dataPlane.modelMetadata(name, number);
  if (isFailure(metadata)) call.fail(metadata);
  else call.reply(encodeModelMetadata(metadata));
}
