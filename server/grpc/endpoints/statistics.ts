import { type DataPlane, isFailure } from "../../data-plane.ts";
import { readModelReference } from "../codec/model-reference.ts";
import { messageEncoder } from "../codec/service-descriptor.ts";
import { parseModelVersion } from "../model-version.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const encodeModelStatistics = messageEncoder("inference.ModelStatisticsResponse");

/** `ModelStatistics`: of one version, of all ready versions of a model, or of all models when there is no name. */
export function modelStatistics(dataPlane: DataPlane, call: UnaryCall): void {
  const { name, version } = readModelReference(call.message, "ModelStatisticsRequest");
  const number = parseModelVersion(version);
  if (typeof number !== "string") return call.fail(number);
  const reports = dataPlane.modelStatistics(name, number);
  if (isFailure(reports)) call.fail(reports);
  else call.reply(encodeModelStatistics({ model_stats: reports }));
}
