import { failure, type Status, StatusError } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import {
  readUnloadParameters,
  loadParametersOf,
  type RepositoryIndexMessage,
  type RepositoryModelMessage,
} from "../codec/repository-request.ts";
import { messageDecoder, messageEncoder } from "../codec/service-descriptor.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const decodeIndex = messageDecoder("inference.RepositoryIndexRequest");
const decodeLoad = messageDecoder("inference.RepositoryModelLoadRequest");
const decodeUnload = messageDecoder("inference.RepositoryModelUnloadRequest");
const encodeIndex = messageEncoder("inference.RepositoryIndexResponse");

const withRepositoryName = failure("UNSUPPORTED", "'repository_name' specification is not supported");

/** `RepositoryIndex`: what is in the repositories and how far each model is. */
export function repositoryIndex(dataPlane: DataPlane, call: UnaryCall): void {
  const { repository_name: repositoryName, ready } = decodeIndex(call.message) as RepositoryIndexMessage;
  if (repositoryName !== "") return call.fail(withRepositoryName);
  answer(call, async () => {
    const rows = await dataPlane.repositoryIndex(ready);
    if (isFailure(rows)) call.fail(rows);
    else call.reply(encodeIndex({ models: rows }));
  });
}

/** `RepositoryModelLoad`: answered when the load has ended. */
export function modelLoad(dataPlane: DataPlane, call: UnaryCall): void {
  const message = decodeLoad(call.message) as RepositoryModelMessage;
  if (message.repository_name !== "") return call.fail(withRepositoryName);
  const request = { modelName: message.model_name, ...loadParametersOf(message) };
  answer(call, async () => endCall(call, await dataPlane.loadModel(request)));
}

/** `RepositoryModelUnload`: answered when the unload has begun. */
export function modelUnload(dataPlane: DataPlane, call: UnaryCall): void {
  const message = decodeUnload(call.message) as RepositoryModelMessage;
  if (message.repository_name !== "") return call.fail(withRepositoryName);
  const withDependents = readUnloadParameters(message);
  answer(call, async () => endCall(call, await dataPlane.unloadModel(message.model_name, withDependents)));
}

/** The responses of load and unload have no fields. */
function endCall(call: UnaryCall, status: Status): void {
  if (status === null) call.reply(Buffer.of());
  else call.fail(status);
}

function answer(call: UnaryCall, operation: () => Promise<void>): void {
  operation().catch((thrown: unknown) => call.fail(StatusError.from(thrown).toFailure()));
}
