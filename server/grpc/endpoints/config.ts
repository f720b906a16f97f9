import { type DataPlane, isFailure } from "../../data-plane.ts";
import { renderModelConfig } from "../../model-config/render-config.ts";
import { readModelReference } from "../codec/model-reference.ts";
import { messageEncoder } from "../codec/service-descriptor.ts";
import { parseModelVersion } from "../model-version.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const encodeModelConfig = messageEncoder("inference.ModelConfigResponse");

/** `ModelConfig`: the complete configuration of a ready version, defaults included. */
export function modelConfig(dataPlane: DataPlane, call: UnaryCall): void {
  const { name, version } = readModelReference(call.message, "ModelConfigRequest");
  const number = parseModelVersion(version);
  if (typeof number !== "string") return call.fail(number);
  const model = dataPlane.findModel(name, number);
  if (isFailure(model)) call.fail(model);
  else call.reply(encodeModelConfig({ config: renderModelConfig(model.config) }));
}
