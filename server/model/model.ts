import type { BackendEngine } from "../../backends/backend.ts";
import type { Scheduler } from "../../schedulers/scheduler.ts";
import type { Clock } from "../core/clock.ts";
import type { InferenceRequest, RequestObserver } from "../core/inference-request.ts";
import type { Failure, Status } from "../core/status.ts";
import type { Tensor } from "../core/tensor.ts";
import { type ModelConfig, withBatchDim } from "../model-config/model-config.ts";
import type { ModelStatistics } from "../statistics/model-statistics.ts";
import { ClassifyingSink } from "./classifying-sink.ts";
import type { Labels } from "./label-provider.ts";
import type { ModelInstances } from "./model-instances.ts";
import { type CorrelationIdInput, validateRequest, type ValidatedModel } from "./request-validator.ts";
import type { ModelTensor, ServedModel } from "./served-model.ts";

/** The parts that the loader joins into a {@link Model}. */
export interface ModelParts {
  readonly config: ModelConfig;
  readonly version: string;
  /** What runs it, where its backend has more than one way; else `null`. */
  readonly engine: BackendEngine | null;
  readonly isDecoupled: boolean;
  readonly statistics: ModelStatistics;
  readonly pool: ModelInstances;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  /** @see Backend.checkBytesInput */
  readonly checkBytesInput: ((tensor: Tensor) => Failure | null) | null;
  readonly labels: Labels;
  /** How long loading took, in seconds. */
  readonly loadDurationSecs: number;
}

/** One version of a model, loaded: its config, its scheduler and its instances. */
export class Model implements ServedModel, ValidatedModel, RequestObserver {
  readonly name: string;
  readonly version: string;
  readonly platform: string;
  readonly maxBatchSize: number;
  readonly isDecoupled: boolean;
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  readonly statistics: ModelStatistics;
  readonly checkBytesInput: ((tensor: Tensor) => Failure | null) | null;
  readonly correlationIdInput: CorrelationIdInput | null;
  readonly loadDurationSecs: number;
  #config: ModelConfig;
  readonly #labels: Labels;
  readonly #pool: ModelInstances;
  readonly #scheduler: Scheduler;
  readonly #clock: Clock;
  readonly #inputIndex: ReadonlyMap<string, number>;
  readonly #outputIndex: ReadonlyMap<string, number>;
  #inflightCount = 0;
  #onDrained: (() => void) | null = null;
  #holdCount = 0;
  #onReleased: (() => void) | null = null;

  constructor(parts: ModelParts) {
    const { config } = parts;
    this.name = config.name;
    this.version = parts.version;
    const platform = config.platform === "" ? config.backend : config.platform;
    this.platform = parts.engine === null ? platform : `${platform}/${parts.engine.name}`;
    this.#config = config;
    this.maxBatchSize = config.maxBatchSize;
    this.isDecoupled = parts.isDecoupled;
    this.inputs = config.input.map((input) => ({
      name: input.name,
      datatype: input.datatype,
      shape: withBatchDim(input.dims, config.maxBatchSize),
      isOptional: input.isOptional,
    }));
    this.outputs = config.output.map((output) => ({
      name: output.name,
      datatype: output.datatype,
      shape: withBatchDim(output.dims, config.maxBatchSize),
      isOptional: false,
    }));
    this.statistics = parts.statistics;
    this.checkBytesInput = parts.checkBytesInput;
    this.correlationIdInput =
      config.sequenceBatching?.controlInput.find(({ kind }) => kind === "CONTROL_SEQUENCE_CORRID") ?? null;
    this.loadDurationSecs = parts.loadDurationSecs;
    this.#labels = parts.labels;
    this.#pool = parts.pool;
    this.#scheduler = parts.scheduler;
    this.#clock = parts.clock;
    this.#inputIndex = new Map(this.inputs.map((input, index) => [input.name, index]));
    this.#outputIndex = new Map(this.outputs.map((output, index) => [output.name, index]));
  }

  get config(): ModelConfig {
    return this.#config;
  }

  /** Takes over what may differ without a new load: where instances run, and which versions are served. */
  changeConfig({ instanceGroup, versionPolicy }: Pick<ModelConfig, "instanceGroup" | "versionPolicy">): void {
    this.#config = { ...this.#config, instanceGroup, versionPolicy };
  }

  inputIndex(name: string): number {
    return this.#inputIndex.get(name) ?? -1;
  }

  outputIndex(name: string): number {
    return this.#outputIndex.get(name) ?? -1;
  }

  /** Instances that are alive. */
  get instanceCount(): number {
    return this.#pool.instanceCount;
  }

  /** No instance is left: nothing will run any more until the model is loaded again. */
  get isBroken(): boolean {
    return this.#pool.brokenReason() !== null;
  }

  /** Requests accepted and not yet answered. */
  get inflightCount(): number {
    return this.#inflightCount;
  }

  infer(request: InferenceRequest): Status {
    const invalid = validateRequest(request, this);
    if (invalid !== null) return invalid;
    if (request.classifications !== null) {
      request.sink = new ClassifyingSink(
        request.sink,
        request.classifications,
        this.#labels,
        this.maxBatchSize > 0,
      );
    }
    const nowUs = this.#clock.nowUs();
    request.requestStartUs = nowUs;
    request.queueStartUs = nowUs;
    request.observer = this;
    request.firstResponseListener = this.statistics.firstResponse;
    request.trace?.onQueued(request);
    this.statistics.pendingCount++;
    this.#inflightCount++;
    const refusal = this.#scheduler.enqueue(request);
    if (refusal !== null) {
      this.statistics.pendingCount--;
      this.#requestEnded();
    }
    return refusal;
  }

  /** The class names of an output; empty when it has none. */
  labelsOf(outputName: string): readonly string[] {
    return this.#labels.get(outputName) ?? [];
  }

  /** @see ComposingModel.hold */
  hold(): void {
    this.#holdCount++;
  }

  /** @see ComposingModel.release */
  release(): void {
    this.#holdCount--;
    if (this.#holdCount === 0) this.#onReleased?.();
  }

  onSuccess(request: InferenceRequest): void {
    this.statistics.onSuccess(request);
    this.#requestEnded();
  }

  onFailed(request: InferenceRequest, failed: Failure, wasExecuting: boolean): void {
    this.statistics.onFailed(request, failed, wasExecuting);
    this.#requestEnded();
  }

  onRequeued(): void {
    this.statistics.onRequeued();
  }

  /**
   * Refuses new requests, lets the accepted ones end, and releases the instances. Ensembles that hold the model are
   * served until they let go.
   *
   * @returns Resolves when all memory is free and all worker threads have ended.
   */
  async unload(): Promise<void> {
    if (this.#holdCount > 0) await new Promise<void>((resolve) => (this.#onReleased = resolve));
    this.#scheduler.stop();
    if (this.#inflightCount > 0) await new Promise<void>((resolve) => (this.#onDrained = resolve));
    await this.#pool.finalize();
  }

  /** Ends the instances at once, for the end of the exit timeout: what they hold fails. */
  async terminate(): Promise<void> {
    this.#scheduler.stop();
    await this.#pool.terminate();
  }

  #requestEnded(): void {
    this.#inflightCount--;
    if (this.#inflightCount === 0) this.#onDrained?.();
  }
}
