import {
  type CorrelationId,
  InferenceRequest,
  type ResponseSink,
} from "../../server/core/inference-request.ts";
import type { InferenceResponse } from "../../server/core/inference-response.ts";
import type { Failure } from "../../server/core/status.ts";
import { Tensor } from "../../server/core/tensor.ts";

/** A sink that keeps what it was given. Unit tests read the outcome from it. */
export class RecordingSink implements ResponseSink {
  readonly responses: InferenceResponse[] = [];
  readonly failures: Failure[] = [];
  /** Final calls; anything but 1 at the end is a bug. */
  answerCount = 0;

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    this.responses.push(response);
    if (isFinal) this.answerCount++;
  }

  onFailure(failure: Failure, isFinal: boolean): void {
    this.failures.push(failure);
    if (isFinal) this.answerCount++;
  }

  onEnd(): void {
    this.answerCount++;
  }
}

/** What a test wants to say of a request. */
export interface RequestSketch {
  readonly id?: string;
  readonly batchSize?: number;
  readonly inputs?: Tensor[];
  readonly requestedOutputs?: string[];
  readonly queueStartUs?: number;
  readonly priority?: number;
  readonly timeoutUs?: number;
  readonly correlationId?: CorrelationId;
  readonly isSequenceStart?: boolean;
  readonly isSequenceEnd?: boolean;
}

/** A request with a {@link RecordingSink}. */
export function makeRequest(sketch: RequestSketch = {}): { request: InferenceRequest; sink: RecordingSink } {
  const sink = new RecordingSink();
  const request = new InferenceRequest({
    id: sketch.id ?? "",
    inputs: sketch.inputs ?? [],
    requestedOutputs: sketch.requestedOutputs ?? [],
    parameters: null,
    priority: sketch.priority ?? 0,
    timeoutUs: sketch.timeoutUs ?? 0,
    correlationId: sketch.correlationId ?? 0,
    isSequenceStart: sketch.isSequenceStart ?? false,
    isSequenceEnd: sketch.isSequenceEnd ?? false,
    sink,
  });
  request.batchSize = sketch.batchSize ?? 1;
  request.queueStartUs = sketch.queueStartUs ?? 0;
  return { request, sink };
}

/** An FP32 tensor over its own bytes. */
export function fp32Tensor(name: string, shape: number[], values: number[]): Tensor {
  return new Tensor(name, "FP32", shape, new Uint8Array(new Float32Array(values).buffer));
}
