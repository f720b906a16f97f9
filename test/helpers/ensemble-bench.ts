import type { ComposingModel, EnsembleSketch } from "../../schedulers/ensemble/composing-model.ts";
import { planEnsemble } from "../../schedulers/ensemble/ensemble-plan.ts";
import { EnsembleScheduler } from "../../schedulers/ensemble/ensemble-scheduler.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { failure } from "../../server/core/status.ts";
import { Tensor } from "../../server/core/tensor.ts";
import { ManualClock } from "./manual-clock.ts";
import { composingTensors, type ManualComposingModel, type ShapesByName } from "./manual-composing-model.ts";
import { makeRequest, type RecordingSink, type RequestSketch } from "./recorded-request.ts";

/** An ensemble over models that answer when the test says so. */
export class EnsembleBench {
  readonly clock = new ManualClock();
  readonly scheduler: EnsembleScheduler;
  readonly executions: InferenceRequest[] = [];
  readonly missing: string[] = [];
  /** The models that are found; a test may take one away. */
  readonly models: Map<string, ComposingModel>;
  readonly #inputs: ShapesByName;
  readonly #maxBatchSize: number;

  constructor(init: {
    readonly inputs: ShapesByName;
    readonly outputs: ShapesByName;
    readonly maxBatchSize?: number;
    readonly maxInflightRequests?: number;
    readonly models: readonly ManualComposingModel[];
    /** `model: {input: tensor} → {output: tensor}` */
    readonly steps: readonly (readonly [string, Record<string, string>, Record<string, string>])[];
  }) {
    this.#inputs = init.inputs;
    this.#maxBatchSize = init.maxBatchSize ?? 0;
    this.models = new Map(init.models.map((model) => [model.name, model]));
    const outputs = composingTensors(init.outputs, this.#maxBatchSize);
    const sketch: EnsembleSketch = {
      name: "e",
      maxBatchSize: this.#maxBatchSize,
      inputs: composingTensors(init.inputs, this.#maxBatchSize),
      outputs,
      steps: init.steps.map(([modelName, inputMap, outputMap]) => ({
        modelName,
        modelVersion: -1,
        inputMap: new Map(Object.entries(inputMap)),
        outputMap: new Map(Object.entries(outputMap)),
      })),
    };
    const problems: string[] = [];
    const plan = planEnsemble(
      sketch,
      init.steps.map(([name]) => this.#model(name)),
      problems,
    );
    if (problems.length > 0) throw new Error(problems.join("\n"));
    this.scheduler = new EnsembleScheduler({
      name: "e",
      version: "1",
      maxBatchSize: this.#maxBatchSize,
      plan,
      outputs,
      findModel: (name) => this.models.get(name) ?? failure("NOT_FOUND", `no model '${name}'`),
      maxInflightRequests: init.maxInflightRequests ?? 0,
      clock: this.clock,
      observer: {
        onDispatch: () => undefined,
        onExecution: (_, request) => this.executions.push(request),
        onMissingOutput: (name) => this.missing.push(name),
      },
    });
  }

  /** Sends a request whose inputs are one byte each, and lets its first steps begin. */
  async infer(
    sketch: RequestSketch & { window?: number } = {},
  ): Promise<{ request: InferenceRequest; sink: RecordingSink }> {
    const batch = this.#maxBatchSize > 0 ? [sketch.batchSize ?? 1] : [];
    const inputs = Object.entries(this.#inputs).map(
      ([name, dims], i) => new Tensor(name, "FP32", [...batch, ...dims], Uint8Array.of(i + 1)),
    );
    const made = makeRequest({ inputs, ...sketch });
    made.request.responseWindow = sketch.window ?? 0;
    made.request.requestStartUs = this.clock.nowUs();
    made.request.queueStartUs = this.clock.nowUs();
    const refusal = this.scheduler.enqueue(made.request);
    if (refusal !== null) throw new Error(refusal.message);
    await Promise.resolve();
    return made;
  }

  #model(name: string): ComposingModel {
    const model = this.models.get(name);
    if (model === undefined) throw new Error(`no model ${name}`);
    return model;
  }
}
