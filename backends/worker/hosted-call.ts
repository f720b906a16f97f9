import { InferenceRequest, type ResponseSink } from "../../server/core/inference-request.ts";
import type { InferenceResponse } from "../../server/core/inference-response.ts";
import { type Failure, failure } from "../../server/core/status.ts";
import { Tensor } from "../../server/core/tensor.ts";
import type { InstanceServer } from "../server-access.ts";
import type { CallAnswerMessage, CallMessage } from "./request-protocol.ts";
import { packedBytes, TensorPacker, unpackTensor } from "./tensor-packer.ts";

/** Responses of a decoupled model that travel to a caller which has not asked for them yet. */
const callWindow = 8;

/** Sends what a call gave to its worker. */
export type CallAnswerPoster = (message: CallAnswerMessage) => void;

/** A request that a model in a worker sent to another model, on the main thread: an ordinary request in all respects. */
export class HostedCall implements ResponseSink {
  readonly #call: number;
  readonly #request: InferenceRequest;
  readonly #post: CallAnswerPoster;
  readonly #onDone: (call: HostedCall) => void;
  #isAbandoned = false;

  /** @param onDone - Called once, when nothing comes any more. */
  constructor(message: CallMessage, post: CallAnswerPoster, onDone: (call: HostedCall) => void) {
    this.#call = message.call;
    this.#post = post;
    this.#onDone = onDone;
    this.#request = new InferenceRequest({
      id: message.id,
      inputs: message.inputs.map((packed) => {
        const { name, datatype, shape, data } = unpackTensor(packed, message.buffers);
        return new Tensor(name, datatype, shape, data);
      }),
      requestedOutputs: message.requestedOutputs,
      parameters: message.parameters,
      priority: message.priority,
      timeoutUs: message.timeoutUs,
      correlationId: message.correlationId,
      isSequenceStart: message.isSequenceStart,
      isSequenceEnd: message.isSequenceEnd,
      sink: this,
    });
    if (message.isDecoupled) this.#request.responseWindow = callWindow;
  }

  /** Hands the request to the server; a refusal goes to the caller. */
  start(server: InstanceServer, { modelName, modelVersion, isDecoupled }: CallMessage): void {
    const refusal = server.callModel(modelName, modelVersion, this.#request, isDecoupled);
    if (refusal !== null) this.onFailure(refusal, true);
  }

  /** The caller has lost interest, or is no more: nothing is sent to it from now on. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#request.cancel();
  }

  responseTaken(): void {
    this.#request.responseWritten();
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    if (!this.#isAbandoned) {
      // The bytes belong to the instance that made them, which uses them again.
      const packer = new TensorPacker(packedBytes(response.outputs));
      const outputs = response.outputs.map((output) => packer.add(output));
      const { modelName, modelVersion, parameters } = response;
      const buffers = packer.take();
      this.#send({ kind: "response", modelName, modelVersion, outputs, parameters, buffers }, isFinal);
    }
    if (isFinal) this.#onDone(this);
  }

  onFailure(failed: Failure, isFinal: boolean): void {
    // Only the code and the text travel: a failure may be a frozen constant, or an Error.
    this.#send({ kind: "failure", failure: failure(failed.code, failed.message) }, isFinal);
    if (isFinal) this.#onDone(this);
  }

  onEnd(): void {
    this.#send({ kind: "end" }, true);
    this.#onDone(this);
  }

  #send(content: CallAnswerMessage["content"], isFinal: boolean): void {
    if (!this.#isAbandoned) this.#post({ kind: "call-answer", call: this.#call, content, isFinal });
  }
}
