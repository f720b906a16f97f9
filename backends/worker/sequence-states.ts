import { formatShape, type Shape, shapesEqual } from "../../server/core/shape.ts";
import { type Failure, failure } from "../../server/core/status.ts";
import type { BatchInput, BatchSpec, StateSpec, TensorSpec } from "../backend.ts";
import { KeptTensor, splitRows, zeroData } from "./kept-tensor.ts";
import type { SequenceRow } from "./sequence-row.ts";

/** A state as the model gave it, for all rows of a batch. */
export interface StateOutput {
  /** Full shape, with the batch dimension. */
  readonly shape: Shape;
  /** In wire form. */
  readonly data: Uint8Array;
}

/**
 * The spec that an instance is bound to: what the frame carries, and behind it the states, which are inputs and outputs
 * like any other to the model. Outputs that clients may see keep their places.
 */
export function withStates(spec: BatchSpec): BatchSpec {
  const tensor = (name: string, { datatype, dims }: StateSpec): TensorSpec => ({
    name,
    datatype,
    dims,
    wireDims: dims,
    isOptional: false,
    join: { kind: "rows" },
  });
  const hidden = spec.states.filter((state) => outputIndexOf(spec, state) < 0);
  return {
    ...spec,
    inputs: [...spec.inputs, ...spec.states.map((state) => tensor(state.inputName, state))],
    outputs: [...spec.outputs, ...hidden.map((state) => tensor(state.outputName, state))],
  };
}

function outputIndexOf(spec: BatchSpec, state: StateSpec): number {
  return spec.outputs.findIndex((output) => output.name === state.outputName);
}

/**
 * The states of the sequences that one instance serves. They never leave its worker thread: each batch takes those of its
 * rows out of here and puts their next values back.
 *
 * @see contract §6.5, "Implicit state"
 */
export class SequenceStates {
  readonly #spec: BatchSpec;
  readonly #isBatching: boolean;
  /** Position of the first state among the inputs that the instance is bound to. */
  readonly #firstInput: number;
  /** Position of each state's output among those that the instance is bound to. */
  readonly #outputIndices: readonly number[];
  readonly #stateOfOutput: ReadonlyMap<number, number>;
  /** By slot, each with one value per state. */
  readonly #slots = new Map<number, KeptTensor[]>();

  constructor(spec: BatchSpec) {
    this.#spec = spec;
    this.#isBatching = spec.maxBatchSize > 0;
    this.#firstInput = spec.inputs.length;
    const bound = withStates(spec);
    this.#outputIndices = spec.states.map((state) => outputIndexOf(bound, state));
    this.#stateOfOutput = new Map(this.#outputIndices.map((output, state) => [output, state]));
  }

  /** Slots with values. */
  get slotCount(): number {
    return this.#slots.size;
  }

  /** Which state the output gives, or `undefined` when it gives none. */
  stateOf(outputIndex: number): number | undefined {
    return this.#stateOfOutput.get(outputIndex);
  }

  /**
   * The state inputs of a batch. Sequences that start begin with their first values.
   *
   * @returns One input per state, or why the rows cannot be one batch.
   */
  inputsFor(rows: readonly SequenceRow[]): BatchInput[] | Failure {
    for (const { slot, isStart } of rows) if (isStart) this.#slots.delete(slot);
    const inputs: BatchInput[] = [];
    for (let state = 0; state < this.#spec.states.length; state++) {
      const input = this.#inputFor(state, rows);
      if ("code" in input) return input;
      inputs.push(input);
    }
    return inputs;
  }

  #inputFor(state: number, rows: readonly SequenceRow[]): BatchInput | Failure {
    const spec = this.#spec.states[state]!;
    const real = rows.filter((row) => row.slot >= 0).map((row) => this.#valuesOf(row.slot)[state]!);
    // Without any sequence, as in a warm-up: what one would start with.
    const first = real[0] ?? firstValue(spec);
    const other = real.find((value) => !shapesEqual(value.shape, first.shape));
    if (other !== undefined) {
      return failure(
        "INTERNAL",
        `state '${spec.inputName}' has shape ${formatShape(first.shape)} in one sequence of the batch and ${formatShape(other.shape)} in another`,
      );
    }
    // A filler gets a copy of a real row's state, and what becomes of it is thrown away.
    const values = rows.map((row) => (row.slot < 0 ? first : this.#valuesOf(row.slot)[state]!));
    const data = values.length === 1 ? first.data : join(values);
    return {
      index: this.#firstInput + state,
      shape: this.#isBatching ? [rows.length, ...first.shape] : [...first.shape],
      buffer: data.buffer,
      byteOffset: 0,
      byteLength: data.byteLength,
    };
  }

  #valuesOf(slot: number): KeptTensor[] {
    let values = this.#slots.get(slot);
    if (values === undefined) {
      values = this.#spec.states.map(firstValue);
      this.#slots.set(slot, values);
    }
    return values;
  }

  /**
   * Takes over what the model made of the states. Those of sequences that end are dropped.
   *
   * @param outputs - By state.
   * @returns `null`, or why the execution has failed after all: then the states stay as they were.
   */
  keep(rows: readonly SequenceRow[], outputs: readonly (StateOutput | undefined)[]): Failure | null {
    for (const [state, spec] of this.#spec.states.entries()) {
      const problem = this.#checkOutput(spec, outputs[state], rows.length);
      if (problem !== null) return problem;
    }
    for (const [state, spec] of this.#spec.states.entries()) {
      const { shape, data } = outputs[state]!;
      const item = this.#isBatching ? shape.slice(1) : shape;
      const parts = rows.length === 1 ? [data] : splitRows(data, rows.length, spec.datatype);
      for (const [row, { slot }] of rows.entries()) {
        if (slot >= 0) this.#valuesOf(slot)[state]!.replace(item, parts[row]!);
      }
    }
    return null;
  }

  /** Drops the states of the sequences that end with this batch. */
  drop(rows: readonly SequenceRow[]): void {
    for (const { slot, isEnd } of rows) if (isEnd) this.#slots.delete(slot);
  }

  #checkOutput(spec: StateSpec, output: StateOutput | undefined, rowCount: number): Failure | null {
    if (output === undefined) {
      return failure("INTERNAL", `state output '${spec.outputName}' was not produced by the model`);
    }
    const expected = this.#isBatching ? [rowCount, ...spec.dims] : spec.dims;
    const { shape } = output;
    const fits =
      shape.length === expected.length && expected.every((dim, i) => dim === -1 || dim === shape[i]);
    if (fits) return null;
    return failure(
      "INTERNAL",
      `state output '${spec.outputName}' came out with shape ${formatShape(shape)}, expected ${formatShape(expected)}`,
    );
  }
}

function firstValue({ initialDims, initialData, datatype }: StateSpec): KeptTensor {
  return new KeptTensor(initialDims, initialData ?? zeroData(datatype, initialDims));
}

function join(values: readonly KeptTensor[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(values.reduce((sum, value) => sum + value.data.byteLength, 0));
  let offset = 0;
  for (const { data } of values) {
    joined.set(data, offset);
    offset += data.byteLength;
  }
  return joined;
}
