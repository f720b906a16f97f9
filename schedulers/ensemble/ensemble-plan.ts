import { type Shape } from "../../server/core/shape.ts";
import type { ComposingModel, ComposingTensor, EnsembleSketch } from "./composing-model.ts";
import { checkTensorUse, type TensorUse } from "./tensor-use.ts";

/** A tensor that travels between the steps of an ensemble. */
export interface PlannedTensor {
  readonly name: string;
  /** The step that gives it, or -1 for an input of the ensemble. */
  readonly producer: number;
  /** Which {@link EnsemblePlan.levels | level} it belongs to. */
  readonly level: number;
}

/** A model's input or output and the tensor of the ensemble that it is. */
export interface Binding {
  /** Name at the model. */
  readonly name: string;
  /** Position in {@link EnsemblePlan.tensors}. */
  readonly tensor: number;
}

/** One step of an ensemble. */
export interface PlannedStep {
  readonly index: number;
  readonly modelName: string;
  /** A decimal number, or "" for the highest ready version. */
  readonly modelVersion: string;
  readonly inputs: readonly Binding[];
  readonly outputs: readonly Binding[];
  /** The level that the step runs in. */
  readonly level: number;
  /** The level that each of its responses opens when its model is decoupled, else {@link level}. */
  readonly outputLevel: number;
}

/**
 * A part of the ensemble that runs equally often: level 0 once for each request, every other level once for each
 * response of the decoupled step that opens it.
 */
export interface PlannedLevel {
  /** The level around it; -1 for level 0. */
  readonly parent: number;
  /** How many levels are around it. */
  readonly depth: number;
}

/** How an ensemble runs: its config, checked against its models. */
export interface EnsemblePlan {
  readonly tensors: readonly PlannedTensor[];
  readonly steps: readonly PlannedStep[];
  readonly levels: readonly PlannedLevel[];
  /** In the order of the ensemble's outputs: the tensor that each one is. */
  readonly outputs: readonly Binding[];
  /** In the order of the ensemble's inputs: the tensor that each one is, or -1 when no step takes it. */
  readonly inputs: readonly Binding[];
  /** Some step's model is decoupled, and so the ensemble is. */
  readonly isDecoupled: boolean;
}

/** What is wrong with an ensemble. One sentence each, without the ensemble's name. */
export type EnsembleProblems = string[];

/**
 * Checks an ensemble against its models and works out how it runs.
 *
 * @param models - In the order of the steps.
 * @param problems - Receives what is wrong; the plan is usable only when nothing was added.
 * @see contract §6.7
 */
export function planEnsemble(
  sketch: EnsembleSketch,
  models: readonly ComposingModel[],
  problems: EnsembleProblems,
): EnsemblePlan {
  const planner = new Planner(sketch, models, problems);
  return planner.plan();
}

class Planner {
  readonly #sketch: EnsembleSketch;
  readonly #models: readonly ComposingModel[];
  readonly #problems: EnsembleProblems;
  readonly #tensorIndex = new Map<string, number>();
  readonly #producers: number[] = [];
  readonly #names: string[] = [];
  /** By tensor: everything that says something of its type and shape. */
  readonly #uses: TensorUse[][] = [];
  readonly #consumerCounts: number[] = [];
  readonly #levels: PlannedLevel[] = [{ parent: -1, depth: 0 }];
  /** By step; -1 until known. */
  readonly #stepLevels: number[];
  readonly #outputLevels: number[];

  constructor(sketch: EnsembleSketch, models: readonly ComposingModel[], problems: EnsembleProblems) {
    this.#sketch = sketch;
    this.#models = models;
    this.#problems = problems;
    this.#stepLevels = models.map(() => -1);
    this.#outputLevels = models.map(() => -1);
  }

  plan(): EnsemblePlan {
    const { inputs, outputs, steps } = this.#sketch;
    const inputBindings = inputs.map((input) => this.#produce(input, -1, this.#sketch));
    const stepOutputs = steps.map((step, i) =>
      [...step.outputMap].map(([name, tensor]) => this.#stepOutput(i, name, tensor)),
    );
    const stepInputs = steps.map((step, i) =>
      [...step.inputMap].map(([name, tensor]) => this.#stepInput(i, name, tensor)),
    );
    const outputBindings = outputs.map((output) => this.#ensembleOutput(output));
    this.#checkBatchSizes();
    this.#checkMissingInputs();
    this.#checkUses();
    if (this.#problems.length === 0) this.#findLevels(stepInputs);
    if (this.#problems.length === 0) this.#checkOutputLevels(outputBindings);
    return {
      tensors: this.#names.map((name, i) => {
        const producer = this.#producers[i] ?? -1;
        return { name, producer, level: producer < 0 ? 0 : (this.#outputLevels[producer] ?? 0) };
      }),
      steps: steps.map((step, i) => ({
        index: i,
        modelName: step.modelName,
        modelVersion: step.modelVersion < 0 ? "" : String(step.modelVersion),
        inputs: stepInputs[i] ?? [],
        outputs: stepOutputs[i] ?? [],
        level: this.#stepLevels[i] ?? 0,
        outputLevel: this.#outputLevels[i] ?? 0,
      })),
      levels: this.#levels,
      outputs: outputBindings,
      inputs: inputBindings,
      isDecoupled: this.#models.some((model) => model.isDecoupled),
    };
  }

  /** A tensor comes into being, at the ensemble's door or as the output of a step. */
  #produce(tensor: ComposingTensor, producer: number, owner: TensorOwner, tensorName = tensor.name): Binding {
    const known = this.#tensorIndex.get(tensorName);
    if (known !== undefined) {
      const first = this.#producers[known] ?? -1;
      this.#problems.push(
        `tensor '${tensorName}' is given twice: as ${this.#origin(first)} and as ${this.#origin(producer)}`,
      );
      return { name: tensor.name, tensor: known };
    }
    const index = this.#names.length;
    this.#tensorIndex.set(tensorName, index);
    this.#names.push(tensorName);
    this.#producers.push(producer);
    this.#consumerCounts.push(0);
    this.#uses.push([useOf(tensor, owner)]);
    return { name: tensor.name, tensor: index };
  }

  #origin(producer: number): string {
    return producer < 0 ? "input of the ensemble" : `output of ${this.#stepName(producer)}`;
  }

  #stepName(step: number): string {
    return `step ${step} (model '${this.#sketch.steps[step]?.modelName ?? ""}')`;
  }

  #stepOutput(step: number, name: string, tensor: string): Binding {
    const model = this.#models[step];
    const output = model?.outputs[model.outputIndex(name)];
    if (model === undefined || output === undefined) {
      this.#problems.push(
        `${this.#stepName(step)}: "output_map" names output '${name}', but the model has ${listNames(model?.outputs ?? [])}`,
      );
      return { name, tensor: -1 };
    }
    return this.#produce(output, step, model, tensor);
  }

  #stepInput(step: number, name: string, tensor: string): Binding {
    const model = this.#models[step];
    const input = model?.inputs[model.inputIndex(name)];
    if (model === undefined || input === undefined) {
      this.#problems.push(
        `${this.#stepName(step)}: "input_map" names input '${name}', but the model has ${listNames(model?.inputs ?? [])}`,
      );
      return { name, tensor: -1 };
    }
    return this.#consume(input, model, tensor, `input '${name}' of ${this.#stepName(step)}`);
  }

  #ensembleOutput(output: ComposingTensor): Binding {
    return this.#consume(output, this.#sketch, output.name, `output '${output.name}' of the ensemble`);
  }

  #consume(use: ComposingTensor, owner: TensorOwner, tensor: string, what: string): Binding {
    const index = this.#tensorIndex.get(tensor);
    if (index === undefined) {
      this.#problems.push(
        `${what} is mapped to tensor '${tensor}', which is neither an input of the ensemble nor the output of a step`,
      );
      return { name: use.name, tensor: -1 };
    }
    this.#consumerCounts[index] = (this.#consumerCounts[index] ?? 0) + 1;
    this.#uses[index]?.push(useOf(use, owner));
    return { name: use.name, tensor: index };
  }

  #checkBatchSizes(): void {
    const { maxBatchSize } = this.#sketch;
    for (const [i, model] of this.#models.entries()) {
      if (model.maxBatchSize === 0 || model.maxBatchSize >= maxBatchSize) continue;
      this.#problems.push(
        `${this.#stepName(i)} allows a maximum batch size of ${model.maxBatchSize}, which is less than the ensemble's "max_batch_size" ${maxBatchSize}`,
      );
    }
  }

  #checkMissingInputs(): void {
    for (const [i, step] of this.#sketch.steps.entries()) {
      for (const input of this.#models[i]?.inputs ?? []) {
        if (input.isOptional || step.inputMap.has(input.name)) continue;
        this.#problems.push(`${this.#stepName(i)}: "input_map" lacks the model's input '${input.name}'`);
      }
    }
  }

  #checkUses(): void {
    for (const [i, uses] of this.#uses.entries()) {
      const name = this.#names[i] ?? "";
      if (this.#consumerCounts[i] === 0) {
        const what = (this.#producers[i] ?? -1) < 0 ? "ensemble input" : "ensemble tensor";
        this.#problems.push(`${what} '${name}' is unused in ensemble`);
      }
      const problem = checkTensorUse(name, uses);
      if (problem !== null) this.#problems.push(problem);
    }
  }

  /** Each step runs in the innermost of its inputs' levels; the others have to be around that one. */
  #findLevels(stepInputs: readonly (readonly Binding[])[]): void {
    let waiting = stepInputs.map((_, i) => i);
    while (waiting.length > 0) {
      const left = waiting.filter((step) => !this.#tryLevel(step, stepInputs[step] ?? []));
      if (left.length === waiting.length) {
        const names = left.map((step) => this.#stepName(step)).join(", ");
        this.#problems.push(`the steps form a cycle, so that none of them can begin: ${names}`);
        return;
      }
      waiting = left;
    }
  }

  /** Returns false while an input's step has no level yet. */
  #tryLevel(step: number, inputs: readonly Binding[]): boolean {
    let level = 0;
    for (const { tensor } of inputs) {
      const producer = this.#producers[tensor] ?? -1;
      const inputLevel = producer < 0 ? 0 : (this.#outputLevels[producer] ?? -1);
      if (inputLevel < 0) return false;
      if (this.#isAround(level, inputLevel)) level = inputLevel;
      else if (!this.#isAround(inputLevel, level)) {
        this.#problems.push(
          `${this.#stepName(step)} joins responses of different decoupled models, which do not belong together`,
        );
      }
    }
    this.#stepLevels[step] = level;
    if (this.#models[step]?.isDecoupled === true) {
      this.#outputLevels[step] = this.#levels.length;
      this.#levels.push({ parent: level, depth: (this.#levels[level]?.depth ?? 0) + 1 });
    } else {
      this.#outputLevels[step] = level;
    }
    return true;
  }

  /** Whether `outer` is `inner` or a level around it. */
  #isAround(outer: number, inner: number): boolean {
    for (let level = inner; level >= 0; level = this.#levels[level]?.parent ?? -1) {
      if (level === outer) return true;
    }
    return false;
  }

  /** A response carries outputs of one level and of those around it. */
  #checkOutputLevels(outputs: readonly Binding[]): void {
    const levelOf = ({ tensor }: Binding): number => {
      const producer = this.#producers[tensor] ?? -1;
      return producer < 0 ? 0 : (this.#outputLevels[producer] ?? 0);
    };
    for (const a of outputs) {
      for (const b of outputs) {
        if (this.#isAround(levelOf(a), levelOf(b)) || this.#isAround(levelOf(b), levelOf(a))) continue;
        this.#problems.push(
          `outputs '${a.name}' and '${b.name}' of the ensemble come from different decoupled models, so that no response can carry both`,
        );
        return;
      }
    }
  }
}

/** What gives a shape its meaning: whether it begins with a batch dimension. */
interface TensorOwner {
  readonly name: string;
  readonly maxBatchSize: number;
}

function useOf(tensor: ComposingTensor, owner: TensorOwner): TensorUse {
  const fullShape: Shape = tensor.shape;
  return {
    modelName: owner.name,
    tensorName: tensor.name,
    datatype: tensor.datatype,
    fullShape,
    itemShape: owner.maxBatchSize > 0 ? fullShape.slice(1) : fullShape,
  };
}

function listNames(tensors: readonly ComposingTensor[]): string {
  return tensors.map(({ name }) => `'${name}'`).join(", ");
}
