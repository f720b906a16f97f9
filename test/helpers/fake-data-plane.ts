import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { InferenceResponse } from "../../server/core/inference-response.ts";
import { type Failure, failure, type Status } from "../../server/core/status.ts";
import { Tensor } from "../../server/core/tensor.ts";
import type { DataPlane, ModelMetadata, ServerMetadata } from "../../server/data-plane.ts";
import {
  changeLogSetting,
  type LogSettingsReport,
  reportLogSettings,
} from "../../server/logging/log-setting.ts";
import { LogSettings } from "../../server/logging/log-settings.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import { validateRequest } from "../../server/model/request-validator.ts";
import { makeDynamicBatching } from "./model-config.ts";
import type { ModelTensor, ServedModel } from "../../server/model/served-model.ts";
import type { ModelLoadRequest } from "../../server/repository/model-load-request.ts";
import type { ModelIndexRow } from "../../server/repository/repository-index.ts";
import { SharedMemoryManager } from "../../server/shared-memory/shared-memory-manager.ts";
import { reportStatistics, type StatisticsReport } from "../../server/statistics/statistics-report.ts";
import type { SentTraceSetting } from "../../server/tracing/trace-change.ts";
import { defaultTraceConfig } from "../../server/tracing/trace-config.ts";
import type { TraceSettingsReport } from "../../server/tracing/trace-settings.ts";
import { Tracer } from "../../server/tracing/tracer.ts";
import { systemClock } from "../../server/core/clock.ts";
import { LogRecorder } from "./log-recorder.ts";
import { ModelStatistics } from "../../server/statistics/model-statistics.ts";

/** Tracing that is off and may be switched on, and whose traces go nowhere. */
function fakeTracer(): Tracer {
  const config = { ...defaultTraceConfig, filePath: "trace.json" };
  return new Tracer({ config, logger: new LogRecorder().logger, clock: systemClock });
}

/** A config with every part that the wire form has. */
export const fakeConfig: ModelConfig = {
  name: "echo",
  platform: "onnxruntime_onnx",
  backend: "onnxruntime",
  versionPolicy: { kind: "latest", numVersions: 1 },
  maxBatchSize: 8,
  input: [
    {
      name: "INPUT0",
      datatype: "FP32",
      dims: [-1, 16],
      reshape: null,
      format: "FORMAT_NONE",
      isOptional: false,
      allowRaggedBatch: false,
    },
  ],
  output: [{ name: "OUTPUT0", datatype: "BYTES", dims: [4], reshape: [2, 2], labelFilename: "" }],
  batchInput: [],
  batchOutput: [],
  instanceGroup: [
    { name: "echo_0", kind: "KIND_CPU", count: 2, gpus: [], isPassive: false, rateLimiter: null },
  ],
  defaultModelFilename: "model.onnx",
  repositoryAgents: [],
  metricTags: new Map([["team", "vision"]]),
  histogramBuckets: new Map([["nv_inference_first_response_histogram_ms", [0.5, 10]]]),
  parameters: new Map([["key", "value"]]),
  schedulerName: "",
  isDecoupled: false,
  dynamicBatching: makeDynamicBatching({ preferredBatchSize: [4, 8], maxQueueDelayUs: 100 }),
  sequenceBatching: null,
  ensembleScheduling: null,
  isResponseCacheEnabled: false,
  modelWarmup: [],
  optimization: { graphLevel: 1, eagerBatching: false },
};

/**
 * A model without scheduler or backend: it keeps each request and answers when the test says so, or with the inputs
 * as outputs at the end of the turn.
 */
export class FakeModel implements ServedModel {
  readonly name: string;
  readonly version = "1";
  readonly platform = "onnxruntime_onnx";
  readonly config = fakeConfig;
  readonly maxBatchSize = 8;
  inputs: readonly ModelTensor[] = [];
  readonly checkBytesInput = null;
  readonly correlationIdInput = null;
  readonly outputs: readonly ModelTensor[] = [];
  readonly statistics = new ModelStatistics();
  isDecoupled = false;
  /** What {@link infer} answers; `null` accepts. */
  refusal: Failure | null = null;
  /** Check requests against {@link inputs}, as a real model does. */
  isValidating = false;
  /** Answer each request with its own inputs. */
  isEchoing = true;
  readonly requests: InferenceRequest[] = [];
  #arrival: (() => void) | null = null;

  constructor(name: string) {
    this.name = name;
  }

  inputIndex(name: string): number {
    return this.inputs.findIndex((input) => input.name === name);
  }

  outputIndex(): number {
    return -1;
  }

  infer(request: InferenceRequest): Status {
    this.requests.push(request);
    this.#arrival?.();
    if (this.refusal !== null) return this.refusal;
    const invalid = this.isValidating ? validateRequest(request, this) : null;
    if (invalid !== null) return invalid;
    if (this.isEchoing) setImmediate(() => this.answer(request));
    return null;
  }

  /** Resolves with request number `index`, counted from 0, when it has come. */
  async request(index: number): Promise<InferenceRequest> {
    for (;;) {
      const request = this.requests[index];
      if (request !== undefined) return request;
      await this.nextRequest();
    }
  }

  /** Resolves when the next request has come. */
  nextRequest(): Promise<InferenceRequest> {
    return new Promise((resolve) => {
      this.#arrival = () => {
        this.#arrival = null;
        resolve(this.lastRequest());
      };
    });
  }

  lastRequest(): InferenceRequest {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error("no request has come");
    return request;
  }

  /** Gives a request one response of a decoupled model, whose output holds one byte. */
  respond(request: InferenceRequest, value: number, isFinal = false): void {
    const response = new InferenceResponse({
      modelName: this.name,
      modelVersion: this.version,
      id: request.id,
      outputs: [new Tensor("OUTPUT0", "UINT8", [1], Uint8Array.of(value))],
      parameters: null,
      buffer: null,
    });
    if (isFinal) request.complete(response);
    else request.respond(response);
  }

  /** Completes a request with its inputs, then overwrites their memory, as a buffer pool would. */
  answer(request: InferenceRequest): void {
    const outputs = request.inputs.map(
      (input) => new Tensor(input.name.replace("INPUT", "OUTPUT"), input.datatype, input.shape, input.data),
    );
    request.complete(
      new InferenceResponse({
        modelName: this.name,
        modelVersion: this.version,
        id: request.id,
        outputs,
        parameters: null,
        buffer: null,
      }),
    );
    for (const output of outputs) output.data.fill(0xee);
  }
}

/** A server with the models "echo" (ready), "loading" (known, not ready) and nothing else. */
export class FakeDataPlane implements DataPlane {
  live = true;
  ready = true;
  exiting = false;
  /** Replaceable, as by a reload. */
  echo = new FakeModel("echo");
  /** Further models that are ready, by name. */
  readonly models = new Map<string, FakeModel>();
  readonly settings = new LogSettings();
  /** Replaceable before the front end is made. */
  tracer = fakeTracer();
  /** Off until a test enables it. */
  readonly sharedMemory = new SharedMemoryManager((failed) => {
    throw new Error(failed.message);
  });
  /** The arguments of the last look-up. */
  lastLookUp: readonly [string, string] = ["", ""];
  /** What the operations of the model repository extension were given. */
  readonly loads: ModelLoadRequest[] = [];
  readonly unloads: string[] = [];
  readonly indexes: boolean[] = [];
  /** What they answer; `null`: success. */
  repositoryRefusal: Status = null;

  isLive(): boolean {
    return this.live;
  }

  isReady(): boolean {
    return this.ready;
  }

  isExiting(): boolean {
    return this.exiting;
  }

  serverMetadata(): ServerMetadata {
    return { name: "nereid", version: "0.1.0", extensions: ["model_configuration", "binary_tensor_data"] };
  }

  findModel(name: string, version: string): ServedModel | Failure {
    this.lastLookUp = [name, version];
    if (name === "echo" && (version === "" || version === "1")) return this.echo;
    const other = this.models.get(name);
    if (other !== undefined) return other;
    if (name === "loading") return failure("UNAVAILABLE", `Request for model "${name}" that is not ready`);
    return failure("NOT_FOUND", `Request for unknown model: '${name}' version '${version}' is not found`);
  }

  modelReady(name: string, version: string): boolean | Failure {
    if (name === "sick") return false;
    const model = this.findModel(name, version);
    return "code" in model ? model : true;
  }

  modelStatistics(name: string, version: string): readonly StatisticsReport[] | Failure {
    if (name === "") return [reportStatistics(this.echo)];
    const model = this.findModel(name, version);
    if ("code" in model) return failure("INVALID_ARG", `No statistics of '${name}'`);
    return [reportStatistics(model)];
  }

  logSettings(): LogSettingsReport {
    return reportLogSettings(this.settings);
  }

  changeLogSetting(name: string, value: unknown): Status {
    return changeLogSetting(this.settings, name, value);
  }

  traceSettings(modelName: string): TraceSettingsReport | Failure {
    const model = modelName === "" ? null : this.findModel(modelName, "");
    return model !== null && "code" in model ? model : this.tracer.settings(modelName);
  }

  changeTraceSettings(
    modelName: string,
    settings: readonly SentTraceSetting[],
  ): TraceSettingsReport | Failure {
    const model = modelName === "" ? null : this.findModel(modelName, "");
    return model !== null && "code" in model ? model : this.tracer.changeSettings(modelName, settings);
  }

  repositoryIndex(onlyReady: boolean): Promise<readonly ModelIndexRow[] | Failure> {
    this.indexes.push(onlyReady);
    const rows: ModelIndexRow[] = [
      { name: "bad", namespace: "", version: "3", state: "UNAVAILABLE", reason: "corrupt" },
      { name: "echo", namespace: "", version: "1", state: "READY", reason: "" },
      { name: "new", namespace: "", version: "", state: "", reason: "" },
    ];
    return Promise.resolve(this.repositoryRefusal ?? rows);
  }

  loadModel(request: ModelLoadRequest): Promise<Status> {
    this.loads.push(request);
    return Promise.resolve(this.repositoryRefusal);
  }

  unloadModel(name: string, withDependents = false): Promise<Status> {
    this.unloads.push(withDependents ? `${name} and its dependents` : name);
    return Promise.resolve(this.repositoryRefusal);
  }

  modelMetadata(name: string, version: string): ModelMetadata | Failure {
    const model = this.findModel(name, version);
    if ("code" in model) return model;
    return {
      name,
      versions: ["1", "2"],
      platform: model.platform,
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: [-1, 16] }],
      outputs: [{ name: "OUTPUT0", datatype: "BYTES", shape: [-1, 4] }],
    };
  }
}
