import { InferResponseMessage } from "../codec/infer-response.ts";
import { InferRequestMessage } from "../codec/infer-request.ts";
import type { InferenceRequest, ResponseSink } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { withRequestId } from "../../core/request-error.ts";
import { type Failure, failure } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { HeaderForwarder } from "../../header-forwarder.ts";
import { parseModelVersion } from "../model-version.ts";
import type { ServedModel } from "../../model/served-model.ts";
import type { RequestArrival, SampledRequest } from "../../tracing/sampled-request.ts";
import type { Tracer } from "../../tracing/tracer.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const decoupledFailure = failure(
  "UNSUPPORTED",
  "ModelInfer RPC doesn't support models with decoupled transaction policy",
);

const noResponse = failure("INTERNAL", "expected a single response, got none");

/** `ModelInfer`: one request, one response. */
export function modelInfer(
  dataPlane: DataPlane,
  call: UnaryCall,
  headerForwarder: HeaderForwarder | null,
): void {
  const { tracer } = dataPlane;
  const arrival = tracer.isActive ? tracer.arrive("grpc", (key) => call.metadata(key) ?? "") : null;
  const message = new InferRequestMessage(call.message);
  const version = parseModelVersion(message.modelVersion);
  if (typeof version !== "string") return call.fail(version);
  const model = dataPlane.findModel(message.modelName, version);
  if (isFailure(model)) return call.fail(model);
  if (model.isDecoupled) return call.fail(decoupledFailure);
  const inferCall = new InferCall(call, message, headerForwarder);
  if (arrival !== null) inferCall.sample(tracer, model, arrival);
  const { request } = inferCall;
  const { sharedMemory } = message;
  if (sharedMemory !== null) {
    const problem = dataPlane.sharedMemory.attach(request, sharedMemory);
    if (problem !== null) return inferCall.onFailure(problem);
  }
  const refusal = model.infer(request);
  // By way of the request: its shared memory is held until it ends.
  if (refusal !== null) request.sink.onFailure(refusal, true);
  else call.cancelWith(request);
}

/** Answers one ModelInfer call with the outcome of its request. */
class InferCall implements ResponseSink {
  readonly request: InferenceRequest;
  readonly #call: UnaryCall;
  #sampled: SampledRequest | null = null;

  constructor(call: UnaryCall, message: InferRequestMessage, headerForwarder: HeaderForwarder | null) {
    this.#call = call;
    const forwarded =
      headerForwarder === null ? null : headerForwarder.collect((visit) => call.eachMetadata(visit));
    this.request = message.toInferenceRequest(this, forwarded);
  }

  /** Decides whether the request is traced. */
  sample(tracer: Tracer, model: ServedModel, arrival: RequestArrival): void {
    const { name: modelName, version: modelVersion } = model;
    this.#sampled = tracer.sample({ modelName, modelVersion, requestId: this.request.id }, arrival);
    if (this.#sampled !== null) this.request.trace = this.#sampled.trace;
  }

  onResponse(response: InferenceResponse): void {
    // Nobody waits for it, so it is not worth writing.
    if (this.#call.isCancelled) {
      this.#sampled?.end();
      return;
    }
    const message = InferResponseMessage.of(response);
    if (message === null) {
      this.onFailure(failure("INTERNAL", "The outputs do not fit into a message of 2 GiB"));
      return;
    }
    this.#sampled?.beginSending();
    this.#call.reply(message);
    this.#sampled?.endSending();
  }

  onFailure(cause: Failure): void {
    if (this.#call.isCancelled) {
      this.#sampled?.end();
      return;
    }
    this.#sampled?.beginSending();
    this.#call.fail(withRequestId(this.request.id, cause));
    this.#sampled?.endSending();
  }

  /** Only decoupled models end without a response, and those are refused here. */
  onEnd(): void {
    this.onFailure(noResponse);
  }
}
