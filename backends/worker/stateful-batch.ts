import type { BatchInput, BatchOutputs, ExecutionBatch, OutputPlace } from "../backend.ts";
import type { SequenceStates, StateOutput } from "./sequence-states.ts";

/** A batch as an instance sees it that also takes and gives the states of sequences. */
export class StatefulBatch implements ExecutionBatch {
  readonly rows: number;
  readonly buffer: ArrayBuffer;
  readonly inputs: readonly BatchInput[];
  readonly #batch: ExecutionBatch;
  readonly #states: SequenceStates;
  readonly #frameOutputCount: number;

  /**
   * @param batch - Without the states.
   * @param stateInputs - What stands for them.
   * @param frameOutputCount - Outputs of the batch without the states.
   */
  constructor(
    batch: ExecutionBatch,
    states: SequenceStates,
    stateInputs: readonly BatchInput[],
    frameOutputCount: number,
  ) {
    this.rows = batch.rows;
    this.buffer = batch.buffer;
    this.inputs = [...batch.inputs, ...stateInputs];
    this.#batch = batch;
    this.#states = states;
    this.#frameOutputCount = frameOutputCount;
  }

  wantsOutput(index: number): boolean {
    return this.#states.stateOf(index) !== undefined || this.#batch.wantsOutput(index);
  }

  placeFor(index: number): OutputPlace | null {
    return index < this.#frameOutputCount ? this.#batch.placeFor(index) : null;
  }
}

/** Receives the outputs of a {@link StatefulBatch}: keeps the states, and hands on what clients have asked for. */
export class StatefulOutputs implements BatchOutputs {
  /** By state. Valid as long as the memory behind them. */
  readonly states: (StateOutput | undefined)[] = [];
  readonly #batch: ExecutionBatch;
  readonly #outputs: BatchOutputs;
  readonly #keeper: SequenceStates;
  readonly #frameOutputCount: number;

  /** @param batch - Without the states, as are `outputs`. */
  constructor(
    batch: ExecutionBatch,
    outputs: BatchOutputs,
    keeper: SequenceStates,
    frameOutputCount: number,
  ) {
    this.#batch = batch;
    this.#outputs = outputs;
    this.#keeper = keeper;
    this.#frameOutputCount = frameOutputCount;
  }

  placed(index: number, shape: readonly number[]): void {
    const place = this.#batch.placeFor(index);
    const state = this.#keeper.stateOf(index);
    if (state !== undefined && place !== null) {
      const data = new Uint8Array(this.#batch.buffer, place.byteOffset, place.byteLength);
      this.states[state] = { shape, data };
    }
    this.#outputs.placed(index, shape);
  }

  produced(index: number, shape: readonly number[], data: Uint8Array): void {
    const state = this.#keeper.stateOf(index);
    if (state !== undefined) this.states[state] = { shape, data };
    if (index < this.#frameOutputCount && this.#batch.wantsOutput(index)) {
      this.#outputs.produced(index, shape, data);
    }
  }

  markInputEnd(): void {
    this.#outputs.markInputEnd();
  }

  markOutputStart(): void {
    this.#outputs.markOutputStart();
  }
}
