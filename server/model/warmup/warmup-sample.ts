import {
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
  readonly #isIterative: boolean;

  private constructor(
    sample: WarmupSampleConfig,
    inputs: readonly Tensor[],
    model: ValidatedModel,
    isIterative: boolean,
  ) {
    this.name = sample.name;
    this.batchSize = sample.batchSize;
    this.count = sample.count;
    this.#inputs = inputs;
    this.#model = model;
    this.#isIterative = isIterative;
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
    const prepared = new WarmupSample(
      sample,
      inputs,
      validatedModelOf(config, checkBytesInput),
      config.sequenceBatching?.isIterative === true,
    );
    prepared.makeRequest(noSink);
    return prepared;
  }

  /**
   * A request of one row, ready for an instance: no scheduler sees it, and nobody counts it.
   *
   * @throws StatusError INVALID_ARG when the model does not take it.
   */
  makeRequest(sink: ResponseSink): InferenceRequest {
    const request = new InferenceRequest({
      id: "",
      inputs: [...this.#inputs],
      requestedOutputs: [],
      parameters: null,
      priority: 0,
      timeoutUs: 0,
      correlationId: this.#isIterative ? warmupSequence : 0,
      isSequenceStart: this.#isIterative,
      isSequenceEnd: false,
      sink,
    });
    const invalid = validateRequest(request, this.#model);
    if (invalid !== null) throw new StatusError(invalid.code, invalid.message);
    request.state = requestState.executing;
    if (this.#isIterative) request.rescheduler = oneRun;
    return request;
  }
}

/** Which sequence a model of iterative sequences sees. */
const warmupSequence = "warmup";

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
    // A sample belongs to no sequence.
    correlationIdInput: null,
  };
}
