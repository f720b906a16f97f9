import { type DataPlane, isFailure } from "../../data-plane.ts";
import { readModelReference } from "../codec/model-reference.ts";
import { messageEncoder } from "../codec/service-descriptor.ts";
import { parseModelVersion } from "../model-version.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const encodeServerLive = messageEncoder("inference.ServerLiveResponse");
const encodeServerReady = messageEncoder("inference.ServerReadyResponse");
const encodeModelReady = messageEncoder("inference.ModelReadyResponse");

/** `ServerLive`: whether the server has initialised. A server that has not answers OK with `live` false. */
export function serverLive(dataPlane: DataPlane, call: UnaryCall): void {
  call.reply(encodeServerLive({ live: dataPlane.isLive() }));
}

/** `ServerReady`: whether the server takes requests, by the rule of `--strict-readiness`. */
export function serverReady(dataPlane: DataPlane, call: UnaryCall): void {
  call.reply(encodeServerReady({ ready: dataPlane.isReady() }));
}

/**
 * `ModelReady`. Other than over HTTP, a version that is known but not ready is no error: the answer is OK with `ready`
 * false. A model that is not known is NOT_FOUND.
 */
export function modelReady(dataPlane: DataPlane, call: UnaryCall): void {
  const { name, version } = readModelReference(call.message, "ModelReadyRequest");
  const number = parseModelVersion(version);
  if (typeof number !== "string") return call.fail(number);
  const ready = dataPlane.modelReady(name, number);
  if (isFailure(ready) && ready.code !== "UNAVAILABLE") return call.fail(ready);
  call.reply(encodeModelReady({ ready: ready === true }));
}
