import type { InferenceRequest, ResponseProducer } from "../../server/core/inference-request.ts";
import { InferenceResponse } from "../../server/core/inference-response.ts";
import { FixedQueue } from "../../server/core/fixed-queue.ts";
import { type Failure, failure } from "../../server/core/status.ts";
import { Tensor } from "../../server/core/tensor.ts";
import { adaptBatchDimension } from "./batch-dimension.ts";
import type { ComposingModel } from "./composing-model.ts";
import type { EnsembleContext } from "./ensemble-context.ts";
import type { PlannedStep } from "./ensemble-plan.ts";
import type { EnsemblePruning } from "./ensemble-pruning.ts";
import { EnsembleScope } from "./ensemble-scope.ts";
import { RequestDurations } from "../request-durations.ts";
import { type StepListener, StepRun } from "./step-run.ts";

const cancelled = failure("CANCELLED", "Request cancelled while its ensemble ran");

/** One request on its way through an ensemble. */
export class EnsembleRun implements StepListener, ResponseProducer {
  readonly #context: EnsembleContext;
  readonly #request: InferenceRequest;
  readonly #pruning: EnsemblePruning;
  readonly #durations = new RequestDurations();
  /** Held until the end. */
  readonly #models = new Map<PlannedStep, ComposingModel>();
  /** Steps that have begun to wait at a gate or to run. */
  readonly #running = new Set<StepRun>();
  /** Whose responses have been given and have not left yet, in order. Empty without a response window. */
  readonly #unwritten = new FixedQueue<EnsembleScope>(4);
  #failure: Failure | null = null;
  /** Of an ensemble that is not decoupled: sent when the last step has ended. */
  #answer: InferenceResponse | null = null;
  /** Keeps the run from ending while it looks for steps to begin. */
  #isAdvancing = false;
  #isDone = false;

  constructor(context: EnsembleContext, request: InferenceRequest) {
    this.#context = context;
    this.#request = request;
    this.#pruning = context.pruningFor(request.requestedOutputs);
  }

  /** Finds the models of all steps, then begins with the steps that need nothing but the ensemble's inputs. */
  start(): void {
    this.#holdModels();
    const scope = new EnsembleScope(0, this.#pruning.stepsOf(0), null);
    for (const [i, input] of this.#context.plan.inputs.entries()) {
      const name = this.#context.plan.inputs[i]?.name;
      scope.set(input.tensor, this.#request.inputs.find((tensor) => tensor.name === name) ?? null);
    }
    this.#advance(scope);
  }

  onCancelled(): void {
    this.#stop(cancelled);
    this.#endWhenIdle();
  }

  onResponseWritten(): void {
    const scope = this.#unwritten.shift();
    if (scope !== undefined) this.#release(scope);
  }

  onPassed(step: StepRun): void {
    if (this.#failure !== null) {
      this.onStepEnd(step);
      return;
    }
    const model = this.#models.get(step.step);
    if (model === undefined) throw new Error("A step without a model has begun. This is a bug.");
    const request = step.makeRequest(
      this.#request,
      model,
      this.#context.plan,
      this.#pruning.outputsOf(step.step),
    );
    const refusal = model.infer(request);
    if (refusal === null) return;
    this.onStepFailure(step, refusal);
    this.onStepEnd(step);
  }

  onStepResponse(run: StepRun, response: InferenceResponse): void {
    if (this.#failure !== null) return;
    const { step } = run;
    const isOpening = step.outputLevel !== step.level;
    if (!isOpening && run.responseCount > 1) {
      this.onStepFailure(run, failure("INTERNAL", `model '${step.modelName}' gave more than one response`));
      return;
    }
    let scope = run.scope;
    if (isOpening) {
      scope.pendingCount++;
      scope = new EnsembleScope(step.outputLevel, this.#pruning.stepsOf(step.outputLevel), {
        parent: scope,
        step: run,
      });
    }
    scope.takeSequence(response.parameters);
    for (const { name, tensor } of step.outputs) {
      scope.set(tensor, response.outputs.find((output) => output.name === name) ?? null);
    }
    this.#advance(scope);
    if (isOpening && scope.pendingCount === 0) this.#close(scope);
  }

  onStepFailure({ step }: StepRun, cause: Failure): void {
    this.#failStep(step, cause);
  }

  #failStep(step: PlannedStep, cause: Failure): void {
    this.#stop(
      failure(
        cause.code,
        `in ensemble '${this.#context.name}', step ${step.index} (model '${step.modelName}'): ${cause.message}`,
      ),
    );
  }

  onStepEnd(run: StepRun): void {
    const { step, scope } = run;
    this.#running.delete(run);
    if (run.request !== null) this.#durations.add(run.request);
    if (run.isInside) this.#context.gateOf(step)?.leave();
    if (this.#failure === null && step.outputLevel === step.level) {
      // What the model left out will not come any more.
      for (const { tensor } of step.outputs) if (!scope.has(tensor)) scope.set(tensor, null);
      this.#advance(scope);
    }
    this.#release(scope);
    this.#endWhenIdle();
  }

  #holdModels(): void {
    for (const step of this.#pruning.steps) {
      const model = this.#context.findModel(step.modelName, step.modelVersion);
      if ("message" in model) {
        this.#failStep(step, model);
        return;
      }
      model.hold();
      this.#models.set(step, model);
    }
  }

  /** Begins every step whose inputs are known, and answers when the outputs are, here and in the scopes inside. */
  #advance(scope: EnsembleScope): void {
    const wasAdvancing = this.#isAdvancing;
    this.#isAdvancing = true;
    const { plan } = this.#context;
    for (const step of scope.waiting) {
      if (this.#failure !== null) break;
      if (step.inputs.some(({ tensor }) => scope.tensor(tensor, plan) === undefined)) continue;
      scope.waiting.delete(step);
      const run = new StepRun(step, scope, this);
      this.#running.add(run);
      const gate = this.#context.gateOf(step);
      if (gate === null) this.onPassed(run);
      else gate.enter(run);
    }
    this.#answerFrom(scope);
    for (const inner of scope.children) this.#advance(inner);
    this.#isAdvancing = wasAdvancing;
    this.#endWhenIdle();
  }

  #answerFrom(scope: EnsembleScope): void {
    if (scope.isAnswered || this.#failure !== null || scope.level !== this.#pruning.answerLevel) return;
    const { plan, outputs, maxBatchSize } = this.#context;
    const tensors: Tensor[] = [];
    const missing: string[] = [];
    for (const index of this.#pruning.outputs) {
      const binding = plan.outputs[index];
      const output = outputs[index];
      if (binding === undefined || output === undefined) continue;
      const tensor = scope.tensor(binding.tensor, plan);
      if (tensor === undefined) return;
      if (tensor === null) {
        missing.push(binding.name);
        continue;
      }
      const shape = adaptBatchDimension(tensor.shape, output.shape, maxBatchSize > 0);
      tensors.push(new Tensor(binding.name, tensor.datatype, shape, tensor.data));
    }
    scope.isAnswered = true;
    for (const name of missing) this.#context.onMissingOutput(name);
    if (tensors.length === 0 && missing.length > 0) return;
    this.#answerWith(scope, tensors);
  }

  #answerWith(scope: EnsembleScope, outputs: readonly Tensor[]): void {
    const response = new InferenceResponse({
      modelName: this.#context.name,
      modelVersion: this.#context.version,
      id: this.#request.id,
      outputs,
      parameters: scope.sequence(),
      buffer: null,
    });
    if (!this.#context.plan.isDecoupled) {
      this.#answer = response;
      return;
    }
    if (this.#request.responseWindow > 0) {
      scope.pendingCount++;
      this.#unwritten.push(scope);
    }
    this.#request.respond(response);
  }

  /** Something that kept the scope open has ended. */
  #release(scope: EnsembleScope): void {
    scope.pendingCount--;
    if (scope.pendingCount === 0) this.#close(scope);
  }

  /** Lets the decoupled step that opened the scope go on producing, and the scope around end. */
  #close(scope: EnsembleScope): void {
    const { parent, openedBy } = scope;
    if (parent === null || openedBy === null || !parent.children.delete(scope)) return;
    openedBy.request?.responseWritten();
    this.#release(parent);
  }

  /** Nothing new begins; what runs is told that its result is of no use. */
  #stop(cause: Failure): void {
    if (this.#failure !== null || this.#isDone) return;
    this.#failure = cause;
    const wasAdvancing = this.#isAdvancing;
    this.#isAdvancing = true;
    for (const run of [...this.#running]) {
      if (run.request !== null) {
        run.request.cancel();
      } else if (!run.isInside) {
        this.#context.gateOf(run.step)?.giveUp(run);
        this.#running.delete(run);
      }
    }
    this.#isAdvancing = wasAdvancing;
  }

  #endWhenIdle(): void {
    if (this.#isAdvancing || this.#isDone || this.#running.size > 0) return;
    this.#isDone = true;
    for (const model of this.#models.values()) model.release();
    const request = this.#request;
    this.#durations.writeTo(request, this.#context.nowUs());
    if (this.#failure !== null) {
      request.fail(this.#failure);
      return;
    }
    if (this.#context.plan.isDecoupled) {
      this.#context.onExecution(request);
      request.end();
    } else if (this.#answer !== null) {
      this.#context.onExecution(request);
      request.complete(this.#answer);
    } else {
      request.fail(
        failure(
          "INVALID_ARG",
          `in ensemble '${this.#context.name}', unexpected deadlock, at least one output is not set while no more ensemble steps can be made`,
        ),
      );
    }
  }
}
