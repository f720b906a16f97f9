import type { InferenceRequest } from "../core/inference-request.ts";
import type { InferenceResponse } from "../core/inference-response.ts";
import type { RequestTrace } from "../core/request-trace.ts";
import type { Failure } from "../core/status.ts";
import type { Tensor } from "../core/tensor.ts";
import { type TensorActivity, TensorSnapshot } from "./tensor-snapshot.ts";
import { traceLevel, type TraceLevel } from "./trace-level.ts";

/** A point that a request reached. */
export interface TraceTimestamp {
  /** In the words of Triton's trace files. */
  readonly name: string;
  /** On the monotonic clock, in µs. */
  readonly timeUs: number;
}

/** What the traces of one server share. */
export interface TraceContext {
  /** Monotonic µs. */
  nowUs(): number;
  /** The number of a new trace: 1, 2, … */
  nextId(): number;
}

/** Whose trace it is. */
export interface TraceSubject {
  readonly modelName: string;
  /** A decimal number. */
  readonly modelVersion: string;
  /** "": the client sent none. */
  readonly requestId: string;
}

/** What is noted of one request to one model. */
export class InferenceTrace implements RequestTrace {
  readonly id: number;
  /** Of the request that caused this one; 0: none. */
  readonly parentId: number;
  readonly subject: TraceSubject;
  readonly children: InferenceTrace[] = [];
  /** In the order of time. Empty until the request has ended. */
  readonly timestamps: TraceTimestamp[] = [];
  readonly tensors: TensorSnapshot[] = [];
  /** The first failure that the request was answered with, or `null`. */
  failure: Failure | null = null;
  readonly #level: TraceLevel;
  readonly #context: TraceContext;
  readonly #responseTimesUs: number[] = [];

  constructor(context: TraceContext, level: TraceLevel, subject: TraceSubject, parentId = 0) {
    this.id = context.nextId();
    this.parentId = parentId;
    this.subject = subject;
    this.#level = level;
    this.#context = context;
  }

  /** Points in time are wanted. */
  get hasTimestamps(): boolean {
    return (this.#level & traceLevel.timestamps) !== 0;
  }

  onQueued(request: InferenceRequest): void {
    this.#keep("TENSOR_QUEUE_INPUT", request.inputs);
  }

  onResponse(response: InferenceResponse): void {
    this.#responseTimesUs.push(this.#context.nowUs());
    this.#keep("TENSOR_BACKEND_OUTPUT", response.outputs);
  }

  onFailure(failure: Failure): void {
    this.#responseTimesUs.push(this.#context.nowUs());
    this.failure ??= failure;
  }

  onEnd(request: InferenceRequest): void {
    if (!this.hasTimestamps) return;
    this.#note("REQUEST_START", request.requestStartUs);
    this.#note("QUEUE_START", request.queueStartUs);
    // What was answered from the response cache has computed nothing.
    if (request.cacheHitUs < 0) {
      this.#note("COMPUTE_START", request.computeStartUs);
      this.#note("COMPUTE_INPUT_END", request.computeInputEndUs);
      this.#note("COMPUTE_OUTPUT_START", request.computeOutputStartUs);
      this.#note("COMPUTE_END", request.computeEndUs);
    }
    for (const timeUs of this.#responseTimesUs) this.#note("INFER_RESPONSE_COMPLETE", timeUs);
    this.#note("REQUEST_END", this.#context.nowUs());
    // A decoupled model gives its first responses before its computation ends.
    this.timestamps.sort((a, b) => a.timeUs - b.timeUs);
  }

  child(modelName: string, modelVersion: string): InferenceTrace {
    const subject = { modelName, modelVersion, requestId: this.subject.requestId };
    const child = new InferenceTrace(this.#context, this.#level, subject, this.id);
    this.children.push(child);
    return child;
  }

  /** 0: the request never came so far. */
  #note(name: string, timeUs: number): void {
    if (timeUs !== 0) this.timestamps.push({ name, timeUs });
  }

  #keep(activity: TensorActivity, tensors: readonly Tensor[]): void {
    if ((this.#level & traceLevel.tensors) === 0) return;
    for (const tensor of tensors) this.tensors.push(new TensorSnapshot(activity, tensor));
  }
}
