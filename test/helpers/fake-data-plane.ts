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
import type { ModelTensor, ServedModel } from "../../server/model/served-model.ts";
import type { ModelLoadRequest } from "../../server/repository/model-load-request.ts";
import type { ModelIndexRow } from "../../server/repository/repository-index.ts";
import { SharedMemoryManager } from "../../server/shared-memory/shared-memory-manager.ts";
import { reportStatistics, type StatisticsReport } from "../../server/statistics/statistics-report.ts";
import { ModelStatistics } from "../../server/statistics/model-statistics.ts";

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
    },
  ],
  output: [{ name: "OUTPUT0", datatype: "BYTES", dims: [4], reshape: [2, 2], labelFilename: "" }],
  instanceGroup: [{ name: "echo_0", kind: "KIND_CPU", count: 2, gpus: [] }],
  defaultModelFilename: "model.onnx",
  metricTags: new Map([["team", "vision"]]),
  parameters: new Map([["key", "value"]]),
  dynamicBatching: { preferredBatchSize: [4, 8], maxQueueDelayUs: 100 },
  ensembleScheduling: null,
  isResponseCacheEnabled: false,
  optimization: { graphLevel: 1 },
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
  readonly inputs: readonly ModelTensor[] = [];
  readonly outputs: readonly ModelTensor[] = [];
  readonly statistics = new ModelStatistics();
  isDecoupled = false;
  /** What {@link infer} answers; `null` accepts. */
  refusal: Failure | null = null;
  /** Answer each request with its own inputs. */
  isEchoing = true;
  readonly requests: InferenceRequest[] = [];
  #arrival: (() => void) | null = null;

  constructor(name: string) {
    this.name = name;
  }

  inputIndex(): number {
    return -1;
  }

  outputIndex(): number {
    return -1;
  }

  infer(request: InferenceRequest): Status {
    this.requests.push(request);
    this.#arrival?.();
    if (this.refusal !== null) return this.refusal;
    if (this.isEchoing) setImmediate(() => this.answer(request));
    return null;
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
  readonly settings = new LogSettings();
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

  repositoryIndex(onlyReady: boolean): Promise<readonly ModelIndexRow[] | Failure> {
    this.indexes.push(onlyReady);
    const rows: ModelIndexRow[] = [
      { name: "bad", version: "3", state: "UNAVAILABLE", reason: "corrupt" },
      { name: "echo", version: "1", state: "READY", reason: "" },
      { name: "new", version: "", state: "", reason: "" },
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
