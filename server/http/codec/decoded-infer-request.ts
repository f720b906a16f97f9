import type { ParameterValue } from "../../core/inference-request.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { SharedMemoryPlaces } from "../../shared-memory/shared-memory-place.ts";
import type { OutputEncodings } from "./output-encodings.ts";

/** An inference request as a codec read it: what `InferenceRequest` needs, and how to encode the response. */
export class DecodedInferRequest {
  /** "" when the client sent none. */
  readonly id: string;
  /**
   * In the client's order. Binary inputs are views on the request's body, those in {@link sharedMemory} have no bytes
   * yet; the array belongs to the caller.
   */
  readonly inputs: Tensor[];
  /** Empty: all outputs. */
  readonly requestedOutputs: readonly string[];
  /** The form in which the response carries each output. */
  readonly outputEncodings: OutputEncodings;
  /** Outputs wanted as classes, with how many of them, or `null`. */
  readonly classifications: ReadonlyMap<string, number> | null;
  /** Tensors in shared memory, or `null` when there are none. */
  readonly sharedMemory: SharedMemoryPlaces | null;
  /** Custom parameters, or `null`. Shared with other requests: copy before adding. */
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  /** 0: the model's default level. */
  readonly priority: number;
  /** 0: none. */
  readonly timeoutUs: number;
  /** 0 or "": the request belongs to no sequence. */
  readonly correlationId: number | bigint | string;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;

  constructor(init: Pick<DecodedInferRequest, keyof DecodedInferRequest>) {
    this.id = init.id;
    this.inputs = init.inputs;
    this.requestedOutputs = init.requestedOutputs;
    this.outputEncodings = init.outputEncodings;
    this.classifications = init.classifications;
    this.sharedMemory = init.sharedMemory;
    this.parameters = init.parameters;
    this.priority = init.priority;
    this.timeoutUs = init.timeoutUs;
    this.correlationId = init.correlationId;
    this.isSequenceStart = init.isSequenceStart;
    this.isSequenceEnd = init.isSequenceEnd;
  }
}
