import type { InferenceRequest, ResponseSink } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { withRequestId } from "../../core/request-error.ts";
import { type Failure, failure } from "../../core/status.ts";
import { encodeStreamMessage, StreamInferResponseMessage } from "../codec/stream-infer-response.ts";
import type { OutgoingMessage } from "../transport/grpc-transport.ts";
import { ResponseLane } from "./response-lane.ts";

const tooLarge = failure("INTERNAL", "The outputs do not fit into a message of 2 GiB");
const noResponse = failure("INTERNAL", "expected a single response, got none");

/** What a request needs of its stream. `InferStream` implements it. */
export interface RequestStream {
  /** Nothing can be sent any more. */
  readonly isClosed: boolean;
  /** The first failure of a request that was scheduled ends the stream: `triton_grpc_error`. */
  readonly endsOnFailure: boolean;
  send(request: StreamedRequest, message: OutgoingMessage): void;
  /** The request has had its last message, if any. */
  onFinished(request: StreamedRequest): void;
  /** Ends the stream with that status. */
  fail(cause: Failure): void;
}

/** One message of a client on a stream, from its arrival until its last response has left. */
export class StreamedRequest extends ResponseLane implements ResponseSink {
  /** Size of the client's message. */
  readonly byteCount: number;
  /** These three as the client sent them; "" of a message that cannot be read. */
  readonly #id: string;
  readonly #modelName: string;
  readonly #modelVersion: string;
  readonly #stream: RequestStream;
  /** There while it is in flight. */
  #request: InferenceRequest | null = null;
  #wantsEmptyFinalResponse = false;
  #isScheduled = false;

  constructor(stream: RequestStream, init: StreamedRequestInit) {
    super(init.isOrdered);
    this.#stream = stream;
    this.byteCount = init.byteCount;
    this.#id = init.id;
    this.#modelName = init.modelName;
    this.#modelVersion = init.modelVersion;
  }

  /** The message has been read. */
  prepare(request: InferenceRequest, wantsEmptyFinalResponse: boolean): void {
    this.#request = request;
    this.#wantsEmptyFinalResponse = wantsEmptyFinalResponse;
  }

  /** The scheduler has accepted the request. */
  begin(): void {
    this.#isScheduled = true;
  }

  /** Answers a request that is not scheduled. */
  refuse(cause: Failure): void {
    const message = {
      errorMessage: cause.message,
      id: this.#id,
      modelName: "",
      modelVersion: "",
      isFinal: null,
    };
    this.#stream.send(this, encodeStreamMessage(message));
    this.#finish();
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    this.#request?.cancel();
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    // Not worth encoding when nobody gets it.
    if (!this.#stream.isClosed) {
      const message = StreamInferResponseMessage.of(response, isFinal);
      if (message === null) return this.onFailure(tooLarge, isFinal);
      this.#stream.send(this, message);
    }
    if (isFinal) this.#finish();
  }

  onFailure(cause: Failure, isFinal: boolean): void {
    if (!this.#isScheduled) return this.refuse(withRequestId(this.#id, cause));
    if (!this.#stream.isClosed) {
      const failed = withRequestId(this.#id, cause);
      if (this.#stream.endsOnFailure) this.#stream.fail(failed);
      else this.#sendWithoutOutputs(failed.message, isFinal);
    }
    if (isFinal) this.#finish();
  }

  onEnd(): void {
    if (this.isOrdered) return this.onFailure(noResponse, true);
    if (this.#wantsEmptyFinalResponse && !this.#stream.isClosed) this.#sendWithoutOutputs("", true);
    this.#finish();
  }

  override onWritten(): void {
    const request = this.#request;
    if (request !== null && request.responseWindow > 0) request.responseWritten();
  }

  #sendWithoutOutputs(errorMessage: string, isFinal: boolean): void {
    const message = { id: this.#id, modelName: this.#modelName, modelVersion: this.#modelVersion };
    this.#stream.send(this, encodeStreamMessage({ ...message, errorMessage, isFinal }));
  }

  #finish(): void {
    this.#request = null;
    this.#stream.onFinished(this);
  }
}

/** What a stream knows of a message when it has looked at its outermost fields. */
export interface StreamedRequestInit {
  readonly isOrdered: boolean;
  readonly byteCount: number;
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: string;
}
