import type { InferenceRequest, ResponseProducer } from "../../server/core/inference-request.ts";
import { InferenceResponse } from "../../server/core/inference-response.ts";
import type { ResponseOutcome } from "../../server/core/response-times.ts";
import type { Failure } from "../../server/core/status.ts";
import { Tensor } from "../../server/core/tensor.ts";
import type { AnswerMessage, RequestMessage, ToRequestWorker } from "./request-protocol.ts";
import type { ModelIdentity } from "./scatter.ts";
import { type TensorPacker, unpackTensor } from "./tensor-packer.ts";

/** Answers on their way to this thread when the request sets no limit: enough that neither side waits for the other. */
const defaultWindow = 64;

/** What the open requests of one instance have in common. */
export interface OpenRequestSurroundings {
  readonly identity: ModelIdentity;
  readonly isDecoupled: boolean;
  readonly post: (message: ToRequestWorker) => void;
}

/** A request that a worker holds, seen from the main thread: turns the worker's answers into the request's. */
export class OpenRequest implements ResponseProducer {
  readonly request: InferenceRequest;
  readonly #key: number;
  readonly #surroundings: OpenRequestSurroundings;
  readonly #window: number;
  /** Answers that have left since the worker was last told. */
  #writtenCount = 0;

  constructor(key: number, request: InferenceRequest, surroundings: OpenRequestSurroundings) {
    this.#key = key;
    this.request = request;
    this.#surroundings = surroundings;
    this.#window = request.responseWindow > 0 ? request.responseWindow : defaultWindow;
    request.producer = this;
  }

  /** The request for its worker. Its inputs are copied into `packer`. */
  toMessage(packer: TensorPacker): RequestMessage {
    const { request } = this;
    return {
      key: this.#key,
      id: request.id,
      inputs: request.inputs.map((input) => packer.add(input)),
      requestedOutputs: request.requestedOutputs,
      parameters: request.parameters,
      batchSize: request.batchSize,
      priority: request.priority,
      timeoutUs: request.timeoutUs,
      correlationId: request.correlationId,
      isSequenceStart: request.isSequenceStart,
      isSequenceEnd: request.isSequenceEnd,
      window: this.#room(),
    };
  }

  /**
   * Passes an answer on. The request has ended when it was final.
   *
   * @returns What the answer was, for the statistics; `null`: there was none, another run is wanted.
   */
  answer(
    { content, isFinal, ...at }: AnswerMessage,
    buffers: readonly ArrayBuffer[],
  ): ResponseOutcome | null {
    const { request } = this;
    request.computeStartUs = at.computeStartUs;
    request.computeInputEndUs = at.computeInputEndUs;
    request.computeOutputStartUs = at.times.outputStartUs;
    request.computeEndUs = at.times.endUs;
    switch (content.kind) {
      case "end":
        request.end();
        return "empty_response";
      case "reschedule":
        request.reschedule();
        return null;
      case "failure":
        if (isFinal) request.fail(content.failure);
        else request.respondFailure(content.failure);
        if (!isFinal) this.#countUnlessSinkDoes();
        return content.failure.code === "CANCELLED" ? "cancel" : "fail";
      case "response": {
        const response = new InferenceResponse({
          ...this.#surroundings.identity,
          id: request.id,
          outputs: content.outputs.map((packed) => {
            const { name, datatype, shape, data } = unpackTensor(packed, buffers);
            return new Tensor(name, datatype, shape, data);
          }),
          parameters: content.parameters,
          // A buffer of its own, which nobody uses again.
          buffer: null,
        });
        if (isFinal) request.complete(response);
        else request.respond(response);
        if (!isFinal) this.#countUnlessSinkDoes();
        return "success";
      }
    }
  }

  /** Fails the request in the place of its worker. */
  fail(failed: Failure, nowUs: number): void {
    const { request } = this;
    request.computeEndUs = nowUs;
    request.fail(failed);
  }

  onCancelled(): void {
    this.#surroundings.post({ kind: "cancel", key: this.#key });
  }

  onResponseWritten(): void {
    this.#writtenCount++;
    // Half a window at once: a message per response would cost as much as the response.
    if (this.#writtenCount < Math.ceil(this.#window / 2)) return;
    this.#surroundings.post({ kind: "written", key: this.#key, count: this.#writtenCount });
    this.#writtenCount = 0;
  }

  /** What an earlier run gave and the client has not read yet takes up room of this one. */
  #room(): number {
    const { responseWindow, unwrittenResponseCount } = this.request;
    return responseWindow > 0 ? Math.max(0, this.#window - unwrittenResponseCount) : this.#window;
  }

  #countUnlessSinkDoes(): void {
    if (this.request.responseWindow === 0) this.onResponseWritten();
  }
}
