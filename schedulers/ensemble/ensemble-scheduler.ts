import type { Clock } from "../../server/core/clock.ts";
import { type InferenceRequest, requestState } from "../../server/core/inference-request.ts";
import { failure, type Status } from "../../server/core/status.ts";
import type { Scheduler } from "../scheduler.ts";
import type { ComposingTensor, FindComposingModel } from "./composing-model.ts";
import type { EnsembleContext } from "./ensemble-context.ts";
import type { EnsemblePlan, PlannedStep } from "./ensemble-plan.ts";
import { EnsemblePruning } from "./ensemble-pruning.ts";
import { EnsembleRun } from "./ensemble-run.ts";
import { StepGate } from "./step-gate.ts";

/** Hears what the ensemble does. The model's statistics implement it. */
export interface EnsembleObserver {
  /** A request has left the queue, which an ensemble does not have. */
  onDispatch(count: number): void;
  /** A request of so many rows has run through; its phases are the sums of its steps'. */
  onExecution(rows: number, request: InferenceRequest): void;
  /** No step gave an output that was asked for. */
  onMissingOutput(name: string): void;
}

/** What an ensemble's scheduler is made of. */
export interface EnsembleParts {
  readonly name: string;
  readonly version: string;
  readonly maxBatchSize: number;
  readonly plan: EnsemblePlan;
  /** The ensemble's outputs, in the order of the plan's. */
  readonly outputs: readonly ComposingTensor[];
  /** Looks the composing models up for each request, so that a reloaded one is used from the next request on. */
  readonly findModel: FindComposingModel;
  /** Most requests of all clients inside each step; 0: any number. */
  readonly maxInflightRequests: number;
  readonly clock: Clock;
  readonly observer: EnsembleObserver;
}

/** Subsets of the outputs whose steps are remembered. */
const maxRememberedPrunings = 64;

const stopping = failure("UNAVAILABLE", "Model is being unloaded and takes no more requests");

/**
 * Runs a directed graph of models as if it were one model.
 *
 * @remarks
 * A step begins as soon as all its inputs are there; steps that do not need each other run side by side. Requests of
 * the steps go through the composing models' own schedulers. Tensors go from step to step as they are, without a copy.
 *
 * @see contract §6.7
 */
export class EnsembleScheduler implements Scheduler {
  readonly #context: EnsembleContext;
  readonly #observer: EnsembleObserver;
  #isStopped = false;

  constructor(parts: EnsembleParts) {
    this.#observer = parts.observer;
    this.#context = makeContext(parts);
  }

  enqueue(request: InferenceRequest): Status {
    if (this.#isStopped) return stopping;
    request.state = requestState.executing;
    this.#observer.onDispatch(1);
    const run = new EnsembleRun(this.#context, request);
    request.producer = run;
    // A step that is refused answers the request, which must not happen before this call has returned.
    queueMicrotask(() => run.start());
    return null;
  }

  /** Requests wait in the queues of the composing models. */
  queuedCount(): number {
    return 0;
  }

  stop(): void {
    this.#isStopped = true;
  }
}

function makeContext(parts: EnsembleParts): EnsembleContext {
  const { plan, observer, clock, maxInflightRequests } = parts;
  const gates = plan.steps.map(() => (maxInflightRequests > 0 ? new StepGate(maxInflightRequests) : null));
  const all = new EnsemblePruning(plan, [...plan.outputs.keys()]);
  const prunings = new Map<string, EnsemblePruning>();
  return {
    name: parts.name,
    version: parts.version,
    maxBatchSize: parts.maxBatchSize,
    plan,
    outputs: parts.outputs,
    findModel: parts.findModel,
    pruningFor: (requestedOutputs) => {
      if (requestedOutputs.length === 0 || requestedOutputs.length === plan.outputs.length) return all;
      const positions = [...plan.outputs.keys()].filter((index) =>
        requestedOutputs.includes(plan.outputs[index]?.name ?? ""),
      );
      const key = positions.join();
      let pruning = prunings.get(key);
      if (pruning === undefined) {
        // Clients choose the subsets, and there are 2^n of them.
        if (prunings.size >= maxRememberedPrunings) prunings.clear();
        pruning = new EnsemblePruning(plan, positions);
        prunings.set(key, pruning);
      }
      return pruning;
    },
    gateOf: (step: PlannedStep) => gates[step.index] ?? null,
    nowUs: () => clock.nowUs(),
    onExecution: (request) => observer.onExecution(Math.max(1, request.batchSize), request),
    onMissingOutput: (name) => observer.onMissingOutput(name),
  };
}
