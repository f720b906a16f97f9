import type { ParameterValue } from "../../server/core/inference-request.ts";
import type { Tensor } from "../../server/core/tensor.ts";
import type { EnsemblePlan, PlannedStep } from "./ensemble-plan.ts";
import type { StepRun } from "./step-run.ts";

/** Parameters of a step's response that change the sequence which the following steps belong to. */
const sequenceParameters = ["sequence_id", "sequence_start", "sequence_end"] as const;

/**
 * One pass through a level of an ensemble: the whole request for level 0, one response of a decoupled step for the
 * others. Holds the tensors that this pass has brought forth so far.
 */
export class EnsembleScope {
  readonly level: number;
  readonly parent: EnsembleScope | null;
  /** The decoupled step whose response opened this scope; `null` for level 0. */
  readonly openedBy: StepRun | null;
  readonly children = new Set<EnsembleScope>();
  /** Steps of this level that have not begun. */
  readonly waiting: Set<PlannedStep>;
  /** What keeps the scope open: steps, scopes inside, a response that has not left. */
  pendingCount: number;
  /** Its response has been given. */
  isAnswered = false;
  /** By position in the plan: the tensor, or `null` when it will not come. */
  readonly #tensors = new Map<number, Tensor | null>();
  /** Of the sequence, as steps changed them; `null` when none did. */
  #sequence: Map<string, ParameterValue> | null = null;

  constructor(
    level: number,
    steps: readonly PlannedStep[],
    opening: { parent: EnsembleScope; step: StepRun } | null,
  ) {
    this.level = level;
    this.parent = opening?.parent ?? null;
    this.openedBy = opening?.step ?? null;
    this.waiting = new Set(steps);
    this.pendingCount = steps.length;
    if (opening !== null) opening.parent.children.add(this);
  }

  /** The tensor, `null` when it will not come, `undefined` while it may. Looks into the scopes around as well. */
  tensor(index: number, plan: EnsemblePlan): Tensor | null | undefined {
    // Levels of inputs are this one or around it.
    const isHere = this.parent === null || plan.tensors[index]?.level === this.level;
    return isHere ? this.#tensors.get(index) : this.parent.tensor(index, plan);
  }

  /** Whether the tensor has come in this very scope, or is known not to. */
  has(index: number): boolean {
    return this.#tensors.has(index);
  }

  set(index: number, tensor: Tensor | null): void {
    this.#tensors.set(index, tensor);
  }

  /** Takes over what a step's response says of the sequence. */
  takeSequence(parameters: ReadonlyMap<string, ParameterValue> | null): void {
    if (parameters === null) return;
    for (const name of sequenceParameters) {
      const value = parameters.get(name);
      if (value === undefined) continue;
      this.#sequence ??= new Map();
      this.#sequence.set(name, value);
    }
  }

  /** What steps have said of the sequence here or around, the innermost first; `null` when none has. */
  sequence(): ReadonlyMap<string, ParameterValue> | null {
    const outer = this.parent?.sequence() ?? null;
    if (this.#sequence === null) return outer;
    return outer === null ? this.#sequence : new Map([...outer, ...this.#sequence]);
  }
}
