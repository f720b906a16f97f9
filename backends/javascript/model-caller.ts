import type { CallReceiver, CallResponse, ModelCall, OpenCall, ServerAccess } from "../server-access.ts";
import { type Failure, failure } from "../../server/core/status.ts";
import { toCallInput } from "./given-tensor.ts";
import type { InferCall, InferError, InferResponse } from "./javascript-model.ts";
import { inferError } from "./model-error.ts";
import { toParameters, toRecord } from "./parameter-record.ts";
import { tensorsByName } from "./received-tensor.ts";

const cancelled = failure("CANCELLED", "Call cancelled");

/** How a model calls other models of its server. */
export class ModelCaller {
  readonly #server: ServerAccess;

  constructor(server: ServerAccess) {
    this.#server = server;
  }

  /** One request, one response. @throws InferError as a rejection. */
  infer(call: InferCall): Promise<InferResponse> {
    return new Promise((resolve, reject) => {
      const responses = new ResponseQueue(this.#server, call, false);
      responses.next().then(({ done, value }) => {
        if (done !== true) resolve(value);
        else reject(inferError(failure("INTERNAL", `model '${call.model}' ended without a response`)));
      }, reject);
    });
  }

  /** One request, any number of responses. The request leaves at once. */
  inferStream(call: InferCall): AsyncIterableIterator<InferResponse> {
    return new ResponseQueue(this.#server, call, true);
  }
}

/** Somebody who asked for a response before it came. */
interface Waiting {
  readonly resolve: (result: IteratorResult<InferResponse>) => void;
  readonly reject: (error: Error) => void;
}

/** The responses of one call, in the order in which they come, until somebody asks for them. */
class ResponseQueue implements CallReceiver, AsyncIterableIterator<InferResponse> {
  readonly #arrived: (InferResponse | InferError)[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #signal: AbortSignal | undefined;
  #open: OpenCall | null = null;
  #isEnded = false;

  constructor(server: ServerAccess, call: InferCall, isDecoupled: boolean) {
    this.#signal = call.signal;
    if (this.#signal?.aborted === true) {
      this.onFailure(cancelled);
      return;
    }
    this.#open = server.call(toModelCall(call, isDecoupled), this);
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  next(): Promise<IteratorResult<InferResponse>> {
    const arrived = this.#arrived.shift();
    if (arrived instanceof Error) return Promise.reject(arrived);
    if (arrived !== undefined) {
      this.#open?.responseTaken();
      return Promise.resolve({ done: false, value: arrived });
    }
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The loop was left. */
  return(): Promise<IteratorResult<InferResponse>> {
    if (!this.#isEnded) this.#open?.cancel();
    this.#arrived.length = 0;
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  onResponse(response: CallResponse, isFinal: boolean): void {
    const { modelName, modelVersion, outputs, parameters } = response;
    const value: InferResponse = {
      modelName,
      modelVersion,
      outputs: tensorsByName(outputs),
      parameters: toRecord(parameters),
    };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(value);
    else {
      if (!isFinal) this.#open?.responseTaken();
      waiting.resolve({ done: false, value });
    }
    if (isFinal) this.#end();
  }

  /** An error ends the iteration, as errors do; what the model would still give is not waited for. */
  onFailure(failed: Failure, isFinal = true): void {
    if (!isFinal) this.#open?.cancel();
    const error = inferError(failed);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(error);
    else waiting.reject(error);
    this.#end();
  }

  onEnd(): void {
    this.#end();
  }

  readonly #onAbort = (): void => {
    this.#open?.cancel();
    this.onFailure(cancelled);
  };

  #end(): void {
    this.#isEnded = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }
}

/** @throws TypeError for a call that cannot be sent. */
function toModelCall(call: InferCall, isDecoupled: boolean): ModelCall {
  if (typeof call.model !== "string" || call.model === "")
    throw new TypeError("a call needs the model's name");
  if (typeof call.inputs !== "object") throw new TypeError("a call needs inputs: { NAME: tensor }");
  return {
    modelName: call.model,
    modelVersion: call.version === undefined ? "" : String(call.version),
    id: call.id ?? "",
    inputs: Object.entries(call.inputs).map(([name, tensor]) => toCallInput(name, tensor)),
    requestedOutputs: call.requestedOutputs ?? [],
    parameters: call.parameters === undefined ? null : toParameters(call.parameters),
    priority: call.priority ?? 0,
    timeoutUs: call.timeoutUs ?? 0,
    correlationId: call.correlationId ?? 0,
    isSequenceStart: call.isSequenceStart ?? false,
    isSequenceEnd: call.isSequenceEnd ?? false,
    isDecoupled,
  };
}
