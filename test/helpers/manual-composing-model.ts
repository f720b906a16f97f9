import type { ComposingModel, ComposingTensor } from "../../schedulers/ensemble/composing-model.ts";
import type { DataType } from "../../server/core/data-type.ts";
import {
  type InferenceRequest,
  type ParameterValue,
  requestState,
} from "../../server/core/inference-request.ts";
import { InferenceResponse } from "../../server/core/inference-response.ts";
import { type Failure, failure, type Status } from "../../server/core/status.ts";
import { Tensor } from "../../server/core/tensor.ts";

/** `{ A: [4] }`: an FP32 tensor A of that shape. */
export type ShapesByName = Readonly<Record<string, readonly number[]>>;

/** What a test may say of a {@link ManualComposingModel}. */
export interface ComposingModelSketch {
  readonly inputs: ShapesByName;
  readonly outputs: ShapesByName;
  readonly maxBatchSize?: number;
  readonly isDecoupled?: boolean;
  readonly datatype?: DataType;
  /** Names of inputs that may be left out. */
  readonly optional?: readonly string[];
}

export function composingTensors(
  shapes: ShapesByName,
  maxBatchSize = 0,
  options: { datatype?: DataType; optional?: readonly string[] } = {},
): ComposingTensor[] {
  return Object.entries(shapes).map(([name, dims]) => ({
    name,
    datatype: options.datatype ?? "FP32",
    shape: maxBatchSize > 0 ? [-1, ...dims] : dims,
    isOptional: options.optional?.includes(name) ?? false,
  }));
}

/** A model that keeps what it is asked and answers when the test says so. */
export class ManualComposingModel implements ComposingModel {
  readonly name: string;
  readonly version = "1";
  readonly maxBatchSize: number;
  readonly isDecoupled: boolean;
  readonly inputs: readonly ComposingTensor[];
  readonly outputs: readonly ComposingTensor[];
  readonly requests: InferenceRequest[] = [];
  /** What {@link infer} answers; `null` accepts. */
  refusal: Failure | null = null;
  /** Calls of {@link InferenceRequest.responseWritten} that reached this model. */
  writtenCount = 0;
  cancelledCount = 0;
  /** Holds not released yet. */
  holdCount = 0;

  constructor(name: string, sketch: ComposingModelSketch) {
    this.name = name;
    this.maxBatchSize = sketch.maxBatchSize ?? 0;
    this.isDecoupled = sketch.isDecoupled ?? false;
    const options = { datatype: sketch.datatype ?? "FP32", optional: sketch.optional ?? [] } as const;
    this.inputs = composingTensors(sketch.inputs, this.maxBatchSize, options);
    this.outputs = composingTensors(sketch.outputs, this.maxBatchSize, { datatype: options.datatype });
  }

  inputIndex(name: string): number {
    return this.inputs.findIndex((input) => input.name === name);
  }

  outputIndex(name: string): number {
    return this.outputs.findIndex((output) => output.name === name);
  }

  infer(request: InferenceRequest): Status {
    if (this.refusal !== null) return this.refusal;
    request.state = requestState.executing;
    request.producer = {
      onCancelled: () => this.cancelledCount++,
      onResponseWritten: () => this.writtenCount++,
    };
    this.requests.push(request);
    return null;
  }

  hold(): void {
    this.holdCount++;
  }

  release(): void {
    this.holdCount--;
  }

  /** A request that has come, by its place. */
  request(index: number): InferenceRequest {
    const request = this.requests[index];
    if (request === undefined)
      throw new Error(`model '${this.name}' has had ${this.requests.length} requests`);
    return request;
  }

  /** Answers a request with one byte per output, so that a test can follow it. */
  answer(
    index: number,
    outputs: Readonly<Record<string, number>>,
    parameters: Record<string, ParameterValue> = {},
  ): void {
    this.request(index).complete(this.#response(outputs, parameters));
  }

  /** Gives one of several responses. */
  respond(
    index: number,
    outputs: Readonly<Record<string, number>>,
    parameters: Record<string, ParameterValue> = {},
  ): void {
    this.request(index).respond(this.#response(outputs, parameters));
  }

  fail(index: number, message: string): void {
    this.request(index).fail(failure("INTERNAL", message));
  }

  #response(
    outputs: Readonly<Record<string, number>>,
    parameters: Record<string, ParameterValue>,
  ): InferenceResponse {
    const tensors = Object.entries(outputs).map(([name, byte]) => {
      const shape = (this.outputs[this.outputIndex(name)]?.shape ?? [1]).map((dim) => Math.abs(dim));
      return new Tensor(name, "FP32", shape, Uint8Array.of(byte));
    });
    const entries = Object.entries(parameters);
    return new InferenceResponse({
      modelName: this.name,
      modelVersion: "1",
      id: "",
      outputs: tensors,
      parameters: entries.length === 0 ? null : new Map(entries),
      buffer: null,
    });
  }
}
