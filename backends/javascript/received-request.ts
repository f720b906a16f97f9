import type { ParameterValue } from "../../server/core/inference-request.ts";
import { failure } from "../../server/core/status.ts";
import type { BatchSpec } from "../backend.ts";
import type { ExecutionRequest } from "../request-execution.ts";
import { toOutput } from "./given-tensor.ts";
import type {
  InferCall,
  InferResponse,
  InputTensor,
  ModelRequest,
  ModelResponse,
} from "./javascript-model.ts";
import { failureOf } from "./model-error.ts";
import type { ModelCaller } from "./model-caller.ts";
import { toParameters, toRecord } from "./parameter-record.ts";
import { tensorsByName } from "./received-tensor.ts";

/** What the requests of one instance have in common. */
export interface ReceivedRequestSurroundings {
  readonly spec: BatchSpec;
  readonly isDecoupled: boolean;
  readonly caller: ModelCaller;
}

/** A model that drops a request of a decoupled model without an end would leave its client waiting for ever. */
const dropped = new FinalizationRegistry<ExecutionRequest>((request) => {
  if (request.isDone) return;
  void request.fail(failure("INTERNAL", "the model let go of the request without ending it"), true);
});

/** A request as a model sees it. */
export class ReceivedRequest implements ModelRequest {
  readonly #request: ExecutionRequest;
  readonly #surroundings: ReceivedRequestSurroundings;
  #inputs: Readonly<Record<string, InputTensor>> | null = null;
  #parameters: Readonly<Record<string, ParameterValue>> | null = null;
  #signal: AbortSignal | null = null;

  constructor(request: ExecutionRequest, surroundings: ReceivedRequestSurroundings) {
    this.#request = request;
    this.#surroundings = surroundings;
    if (surroundings.isDecoupled) dropped.register(this, request);
  }

  get id(): string {
    return this.#request.id;
  }
  get inputs(): Readonly<Record<string, InputTensor>> {
    return (this.#inputs ??= tensorsByName(this.#request.inputs));
  }
  get requestedOutputs(): readonly string[] {
    return this.#request.requestedOutputs;
  }
  get parameters(): Readonly<Record<string, ParameterValue>> {
    return (this.#parameters ??= toRecord(this.#request.parameters));
  }
  get batchSize(): number {
    return this.#request.batchSize;
  }
  get priority(): number {
    return this.#request.priority;
  }
  get timeoutUs(): number {
    return this.#request.timeoutUs;
  }
  get correlationId(): number | bigint | string {
    return this.#request.correlationId;
  }
  get isSequenceStart(): boolean {
    return this.#request.isSequenceStart;
  }
  get isSequenceEnd(): boolean {
    return this.#request.isSequenceEnd;
  }
  get isDone(): boolean {
    return this.#request.isDone;
  }

  get signal(): AbortSignal {
    if (this.#signal === null) {
      const controller = new AbortController();
      this.#request.onCancelled(() => controller.abort(new Error("Request cancelled")));
      this.#signal = controller.signal;
    }
    return this.#signal;
  }

  input(name: string): InputTensor {
    const tensor = this.inputs[name];
    if (tensor !== undefined) return tensor;
    const names = Object.keys(this.inputs).map((known) => `'${known}'`);
    throw new TypeError(`the request has no input '${name}', it has ${names.join(", ")}`);
  }

  isCancelled(): boolean {
    return this.#request.isCancelled();
  }

  // Not async: what is wrong with a response is thrown where it is given, awaited or not.
  respond(response: ModelResponse, options: { readonly isFinal?: boolean } = {}): Promise<void> {
    const { spec } = this.#surroundings;
    const given: unknown = response;
    if (typeof given !== "object" || given === null || typeof response.outputs !== "object") {
      throw new TypeError("a response must be an object with outputs: { outputs: { NAME: … } }");
    }
    const batchSize = spec.maxBatchSize > 0 ? this.batchSize : null;
    const outputs = Object.entries(response.outputs).map(([name, value]) => {
      const declared = spec.outputs.find((output) => output.name === name);
      if (declared === undefined) {
        const names = spec.outputs.map((output) => `'${output.name}'`).join(", ");
        throw new TypeError(`there is no output '${name}' in the model's configuration, which has ${names}`);
      }
      return toOutput(declared, value, batchSize);
    });
    const parameters = response.parameters === undefined ? null : toParameters(response.parameters);
    return this.#request.respond(outputs, parameters, options.isFinal ?? false);
  }

  fail(error: Error | string, options: { readonly isFinal?: boolean } = {}): Promise<void> {
    return this.#request.fail(failureOf(error), options.isFinal ?? true);
  }

  end(): void {
    this.#request.end();
  }

  reschedule(): void {
    this.#request.reschedule();
  }

  infer(call: InferCall): Promise<InferResponse> {
    return this.#surroundings.caller.infer(this.#withSignal(call));
  }

  inferStream(call: InferCall): AsyncIterableIterator<InferResponse> {
    return this.#surroundings.caller.inferStream(this.#withSignal(call));
  }

  #withSignal(call: InferCall): InferCall {
    const signal = call.signal === undefined ? this.signal : AbortSignal.any([this.signal, call.signal]);
    return { ...call, signal };
  }
}
