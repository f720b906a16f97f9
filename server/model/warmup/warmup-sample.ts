import {
  type CorrelationId,
  InferenceRequest,
  type RequestRescheduler,
  requestState,
  type ResponseSink,
} from "../../core/inference-request.ts";
import { elementCount } from "../../core/shape.ts";
import { StatusError } from "../../core/status.ts";
import { Tensor } from "../../core/tensor.ts";
import { type ModelConfig, withBatchDim, type WarmupSampleConfig } from "../../model-config/model-config.ts";
import { validateRequest, type ValidatedModel } from "../request-validator.ts";
import type { ModelTensor } from "../served-model.ts";
import { makeWarmupData } from "./warmup-data.ts";

/** A sample whose data has been made: read once, run on every instance. */
export class WarmupSample {
  readonly name: string;
  /** Requests of one row in each execution; at least 1. */
  readonly batchSize: number;
  /** Executions; at least 1. */
  readonly count: number;
  readonly #inputs: readonly Tensor[];
  readonly #model: ValidatedModel;
  /** 0: the model keeps no sequences. */
  readonly #correlationId: CorrelationId;
  readonly #rescheduler: RequestRescheduler | null;

  private constructor(
    sample: WarmupSampleConfig,
    inputs: readonly Tensor[],
    model: ValidatedModel,
    config: ModelConfig,
  ) {
    this.name = sample.name;
    this.batchSize = sample.batchSize;
    this.count = sample.count;
    this.#inputs = inputs;
    this.#model = model;
    this.#correlationId = correlationIdFor(config);
    this.#rescheduler = config.sequenceBatching?.isIterative === true ? oneRun : null;
  }

  /**
   * Makes the data of a sample.
   *
   * @throws StatusError when its data cannot be had, or the model does not take it.
   */
  static async prepare(
    sample: WarmupSampleConfig,
    config: ModelConfig,
    modelDirectory: string,
    checkBytesInput: ValidatedModel["checkBytesInput"],
  ): Promise<WarmupSample> {
    if (sample.batchSize > Math.max(1, config.maxBatchSize)) {
      throw new StatusError(
        "INVALID_ARG",
        `batch_size ${sample.batchSize} is larger than max_batch_size ${config.maxBatchSize}`,
      );
    }
    const inputs: Tensor[] = [];
    let seed = 0;
    for (const [name, input] of sample.inputs) {
      const { datatype, dims } = input;
      const data = await makeWarmupData(input, elementCount(dims), modelDirectory, ++seed);
      inputs.push(new Tensor(name, datatype, config.maxBatchSize > 0 ? [1, ...dims] : dims, data));
    }
    const prepared = new WarmupSample(sample, inputs, validatedModelOf(config, checkBytesInput), config);
    prepared.makeRequest(noSink, 0);
    return prepared;
  }

  /**
   * A request of one row, ready for an instance: no scheduler sees it, and nobody counts it.
   *
   * @param row - Position in its batch. Of a model of sequences each row is a sequence of its own, of one request.
   * @throws StatusError INVALID_ARG when the model does not take it.
   */
  makeRequest(sink: ResponseSink, row: number): InferenceRequest {
    const request = new InferenceRequest({
      id: "",
      inputs: [...this.#inputs],
      requestedOutputs: [],
      parameters: null,
      priority: 0,
      timeoutUs: 0,
      correlationId: this.#correlationId,
      isSequenceStart: this.#correlationId !== 0,
      isSequenceEnd: this.#correlationId !== 0,
      sink,
    });
    const invalid = validateRequest(request, this.#model);
    if (invalid !== null) throw new StatusError(invalid.code, invalid.message);
    request.state = requestState.executing;
    request.rescheduler = this.#rescheduler;
    if (this.#correlationId !== 0) request.sequenceSlot = row;
    return request;
  }
}

/** One run is enough to be warm. */
const oneRun: RequestRescheduler = {
  onRescheduled: (request) => request.end(),
  onHeld: () => undefined,
};

const noSink: ResponseSink = {
  onResponse: () => undefined,
  onFailure: () => undefined,
  onEnd: () => undefined,
};

function validatedModelOf(
  { name, maxBatchSize, input, output }: ModelConfig,
  checkBytesInput: ValidatedModel["checkBytesInput"],
): ValidatedModel {
  const inputs: ModelTensor[] = input.map(({ name: inputName, datatype, dims, isOptional }) => ({
    name: inputName,
    datatype,
    shape: withBatchDim(dims, maxBatchSize),
    isOptional,
  }));
  return {
    name,
    maxBatchSize,
    inputs,
    // All outputs are computed, so none is looked up.
    outputs: [],
    inputIndex: (wanted) => inputs.findIndex((tensor) => tensor.name === wanted),
    outputIndex: (wanted) => output.findIndex((tensor) => tensor.name === wanted),
    checkBytesInput,
    // The id is made to fit.
    correlationIdInput: null,
  };
}

/** The id of a sample's sequences, of the kind that the model takes; 0 when it keeps none. */
function correlationIdFor({ sequenceBatching }: ModelConfig): CorrelationId {
  if (sequenceBatching === null) return 0;
  const takesText = sequenceBatching.controlInput.some(
    ({ kind, datatype }) => kind === "CONTROL_SEQUENCE_CORRID" && datatype === "BYTES",
  );
  return takesText ? "1" : 1;
}
