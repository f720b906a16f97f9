import type { EnsemblePlan, PlannedStep } from "./ensemble-plan.ts";

/** The part of an ensemble that a request needs which wants some of the outputs only. */
export class EnsemblePruning {
  /** Positions in {@link EnsemblePlan.outputs}, ascending. */
  readonly outputs: readonly number[];
  /** All steps that are needed. */
  readonly steps: readonly PlannedStep[];
  /** The level whose every pass gives a response: the innermost of the wanted outputs. */
  readonly answerLevel: number;
  readonly #stepsByLevel: readonly (readonly PlannedStep[])[];
  readonly #outputsByStep: readonly (readonly string[])[];

  /** @param outputs - Positions of the wanted outputs, ascending, at least one. */
  constructor(plan: EnsemblePlan, outputs: readonly number[]) {
    this.outputs = outputs;
    const needed = new Set(outputs.map((index) => plan.outputs[index]?.tensor ?? -1));
    const steps = new Set<PlannedStep>();
    // Walks back from the outputs: a step that gives a needed tensor needs its own inputs.
    for (const tensor of needed) {
      const step = plan.steps[plan.tensors[tensor]?.producer ?? -1];
      if (step === undefined || steps.has(step)) continue;
      steps.add(step);
      for (const input of step.inputs) needed.add(input.tensor);
    }
    this.steps = [...steps];
    this.#stepsByLevel = plan.levels.map((_, level) =>
      plan.steps.filter((step) => steps.has(step) && step.level === level),
    );
    this.#outputsByStep = plan.steps.map((step) =>
      step.outputs.filter(({ tensor }) => needed.has(tensor)).map(({ name }) => name),
    );
    const depthOf = (level: number): number => plan.levels[level]?.depth ?? 0;
    this.answerLevel = outputs
      .map((index) => plan.tensors[plan.outputs[index]?.tensor ?? -1]?.level ?? 0)
      .reduce((deepest, level) => (depthOf(level) > depthOf(deepest) ? level : deepest), 0);
  }

  /** The steps of a level that are needed. */
  stepsOf(level: number): readonly PlannedStep[] {
    return this.#stepsByLevel[level] ?? [];
  }

  /** The model's outputs that a step is asked for. */
  outputsOf(step: PlannedStep): readonly string[] {
    return this.#outputsByStep[step.index] ?? [];
  }
}
