import type { InferenceRequest } from "../../core/inference-request.ts";
import { withRequestId } from "../../core/request-error.ts";
import { type Failure, StatusError } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { ForwardedHeaders } from "../../header-forwarder.ts";
import type { ServedModel } from "../../model/served-model.ts";
import { TracedSink } from "../../tracing/traced-sink.ts";
import { InferRequestMessage } from "../codec/infer-request.ts";
import { exitingFailure } from "../exiting-failure.ts";
import { parseModelVersion } from "../model-version.ts";
import type { OutgoingMessage, StreamCall, StreamListener } from "../transport/grpc-transport.ts";
import { ResponseWriter } from "./response-writer.ts";
import { type BacklogLimits, StreamBacklog } from "./stream-backlog.ts";
import { type RequestStream, StreamedRequest } from "./streamed-request.ts";

/** What {@link InferStream} needs. */
export interface InferStreamInit {
  readonly call: StreamCall;
  readonly dataPlane: DataPlane;
  /** Metadata of the call that become parameters of each request. */
  readonly forwarded: ForwardedHeaders | null;
  /** The client asks for a real status instead of an error message when a scheduled request fails. */
  readonly endsOnFailure: boolean;
  /** Most unwritten responses of one request of a decoupled model. */
  readonly responseWindow: number;
  readonly backlogLimits: BacklogLimits;
  /** Told once, when the call has ended or been cancelled. */
  readonly onClosed: (stream: InferStream) => void;
}

/**
 * One ModelStreamInfer call: any number of requests to any models, each answered on its own.
 *
 * Life: open → half-closed by the client, or shut down by the server → closed, when everything has been answered. Or:
 * open → cancelled, and closed at once.
 */
export class InferStream implements StreamListener, RequestStream {
  readonly endsOnFailure: boolean;
  isClosed = false;
  readonly #call: StreamCall;
  readonly #dataPlane: DataPlane;
  readonly #forwarded: ForwardedHeaders | null;
  readonly #responseWindow: number;
  readonly #onClosed: (stream: InferStream) => void;
  readonly #backlog: StreamBacklog;
  readonly #writer: ResponseWriter;
  /** Scheduled and not finished. */
  readonly #inflight = new Set<StreamedRequest>();
  #isHalfClosed = false;
  #isShutDown = false;

  constructor(init: InferStreamInit) {
    this.endsOnFailure = init.endsOnFailure;
    this.#call = init.call;
    this.#dataPlane = init.dataPlane;
    this.#forwarded = init.forwarded;
    this.#responseWindow = init.responseWindow;
    this.#onClosed = init.onClosed;
    this.#backlog = new StreamBacklog(init.call, init.backlogLimits);
    this.#writer = new ResponseWriter(init.call, this.#backlog);
  }

  onMessage(bytes: Buffer): void {
    let message: InferRequestMessage;
    try {
      message = new InferRequestMessage(bytes);
    } catch (thrown) {
      this.#enter(null, bytes.byteLength, true).refuse(failureOf(thrown));
      return;
    }
    const model = this.#find(message);
    if (isFailure(model)) this.#enter(message, bytes.byteLength, true).refuse(model);
    else this.#schedule(message, model, this.#enter(message, bytes.byteLength, !model.isDecoupled));
  }

  onHalfClose(): void {
    this.#isHalfClosed = true;
    this.#endWhenDone();
  }

  onWritten(): void {
    this.#writer.onWritten();
    this.#endWhenDone();
  }

  onCancelled(): void {
    this.#close();
  }

  /** Ends the call with UNAVAILABLE as soon as nothing is in flight on it. */
  shutDown(): void {
    this.#isShutDown = true;
    this.#endWhenDone();
  }

  send(request: StreamedRequest, message: OutgoingMessage): void {
    this.#writer.write(request, message);
  }

  onFinished(request: StreamedRequest): void {
    this.#inflight.delete(request);
    if (this.isClosed) return;
    this.#backlog.remove(request.byteCount);
    this.#writer.finish(request);
    this.#endWhenDone();
  }

  fail(cause: Failure): void {
    // What was answered before the failure is the client's.
    this.#writer.flush();
    this.#call.fail(cause);
    this.#close();
  }

  /** The model that the message is for. */
  #find(message: InferRequestMessage): ServedModel | Failure {
    if (this.#dataPlane.isExiting()) return exitingFailure;
    const version = parseModelVersion(message.modelVersion);
    return typeof version === "string" ? this.#dataPlane.findModel(message.modelName, version) : version;
  }

  /** @param message - `null` when the bytes are none. */
  #enter(message: InferRequestMessage | null, byteCount: number, isOrdered: boolean): StreamedRequest {
    const request = new StreamedRequest(this, {
      isOrdered,
      byteCount,
      id: message?.id ?? "",
      modelName: message?.modelName ?? "",
      modelVersion: message?.modelVersion ?? "",
    });
    this.#backlog.add(byteCount);
    if (isOrdered) this.#writer.enter(request);
    return request;
  }

  #schedule(message: InferRequestMessage, model: ServedModel, streamed: StreamedRequest): void {
    let refusal: Failure | null;
    try {
      const request = message.toInferenceRequest(streamed, this.#forwarded);
      if (model.isDecoupled) request.responseWindow = this.#responseWindow;
      streamed.prepare(request, message.wantsEmptyFinalResponse);
      this.#sample(model, request);
      const { sharedMemory } = message;
      refusal = sharedMemory === null ? null : this.#dataPlane.sharedMemory.attach(request, sharedMemory);
      if (refusal !== null) {
        refusal = withRequestId(message.id, refusal);
      } else {
        const rejection = model.infer(request);
        // By way of the request: its shared memory is held until it ends.
        if (rejection !== null) return request.sink.onFailure(rejection, true);
      }
    } catch (thrown) {
      refusal = failureOf(thrown);
    }
    if (refusal !== null) return streamed.refuse(refusal);
    streamed.begin();
    this.#inflight.add(streamed);
  }

  /** Each request on the stream is sampled for itself. */
  #sample({ name: modelName, version: modelVersion }: ServedModel, request: InferenceRequest): void {
    const { tracer } = this.#dataPlane;
    if (!tracer.isActive) return;
    const arrival = tracer.arrive("grpc", (key) => this.#call.metadata(key) ?? "");
    const sampled = tracer.sample({ modelName, modelVersion, requestId: request.id }, arrival);
    if (sampled !== null) TracedSink.attach(request, sampled);
  }

  #endWhenDone(): void {
    if (this.isClosed || this.#inflight.size > 0 || this.#writer.isWaiting) return;
    if (this.#isShutDown) this.#call.fail(exitingFailure);
    else if (this.#isHalfClosed) this.#call.end();
    else return;
    this.#close();
  }

  #close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // Those that wait fail right here, and leave the set while it is walked through: that is allowed.
    for (const request of this.#inflight) request.cancel();
    this.#onClosed(this);
  }
}

/** What a codec found wrong with a message. @throws Whatever else was thrown: a bug. */
function failureOf(thrown: unknown): Failure {
  if (thrown instanceof StatusError) return thrown.toFailure();
  throw thrown;
}
