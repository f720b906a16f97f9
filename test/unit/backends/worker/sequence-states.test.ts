import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { BatchInput, BatchSpec, StateSpec } from "../../../../backends/backend.ts";
import type { SequenceRow } from "../../../../backends/worker/sequence-row.ts";
import { SequenceStates, withStates } from "../../../../backends/worker/sequence-states.ts";
import type { Failure } from "../../../../server/core/status.ts";
import { identitySpec } from "../../../helpers/tensor-spec.ts";

function state(name: string, parts: Partial<StateSpec> = {}): StateSpec {
  return {
    inputName: `${name}_in`,
    outputName: `${name}_out`,
    datatype: "UINT8",
    dims: [2],
    initialDims: [2],
    initialData: null,
    ...parts,
  };
}

function specOf(states: StateSpec[], maxBatchSize = 4): BatchSpec {
  return { ...identitySpec("FP32", [1], maxBatchSize), states };
}

const row = (slot: number, flags = ""): SequenceRow => ({
  slot,
  isStart: flags.includes("S"),
  isEnd: flags.includes("E"),
});
const filler = row(-1);

function inputs(states: SequenceStates, rows: readonly SequenceRow[]): BatchInput[] {
  const made = states.inputsFor(rows);
  assert.ok(Array.isArray(made));
  return made;
}

/** The elements of the first state's input. */
function values(states: SequenceStates, rows: readonly SequenceRow[]): number[] {
  const [input] = inputs(states, rows);
  assert.ok(input !== undefined);
  return [...new Uint8Array(input.buffer, input.byteOffset, input.byteLength)];
}

function keep(
  states: SequenceStates,
  rows: readonly SequenceRow[],
  shape: number[],
  ...elements: number[]
): Failure | null {
  return states.keep(rows, [{ shape, data: Uint8Array.from(elements) }]);
}

describe("withStates", () => {
  it("puts the states behind what the frame carries, without repeating outputs that clients see", () => {
    const spec = specOf([state("a"), state("b", { outputName: "OUTPUT0" })]);
    const bound = withStates(spec);
    assert.deepEqual(
      bound.inputs.map(({ name }) => name),
      ["INPUT0", "a_in", "b_in"],
    );
    assert.deepEqual(
      bound.outputs.map(({ name }) => name),
      ["OUTPUT0", "a_out"],
    );
    const states = new SequenceStates(spec);
    assert.deepEqual([states.stateOf(0), states.stateOf(1), states.stateOf(2)], [1, 0, undefined]);
  });
});

describe("SequenceStates", () => {
  it("starts with zeros, or with what the config gives (row 148)", () => {
    const states = new SequenceStates(specOf([state("a"), state("b", { initialData: Uint8Array.of(5, 6) })]));
    const [a, b] = inputs(states, [row(0, "S")]);
    assert.deepEqual(
      [a, b].map((input) => [...new Uint8Array(input!.buffer)]),
      [
        [0, 0],
        [5, 6],
      ],
    );
    assert.deepEqual([a?.index, b?.index, a?.shape], [1, 2, [1, 2]]);
  });

  it("gives a sequence what it made of its state before, by slot", () => {
    const states = new SequenceStates(specOf([state("a")]));
    values(states, [row(0, "S"), row(3, "S")]);
    assert.equal(keep(states, [row(0), row(3)], [2, 2], 1, 2, 3, 4), null);
    assert.deepEqual(values(states, [row(3), row(0)]), [3, 4, 1, 2]);
    assert.equal(states.slotCount, 2);
  });

  it("begins anew at START, whatever the slot held (row 148)", () => {
    const states = new SequenceStates(specOf([state("a", { initialData: Uint8Array.of(7, 7) })]));
    values(states, [row(0, "S")]);
    keep(states, [row(0)], [1, 2], 1, 2);
    assert.deepEqual(values(states, [row(0, "S")]), [7, 7]);
    keep(states, [row(0)], [1, 2], 3, 4);
    // The first value itself is not what was overwritten.
    assert.deepEqual(values(states, [row(1, "S")]), [7, 7]);
  });

  it("drops the states of sequences that end", () => {
    const states = new SequenceStates(specOf([state("a")]));
    values(states, [row(0, "S"), row(1, "S")]);
    states.drop([row(0, "E"), row(1)]);
    assert.equal(states.slotCount, 1);
  });

  it("gives fillers a copy and throws away what becomes of it", () => {
    const states = new SequenceStates(specOf([state("a")]));
    values(states, [row(1, "S")]);
    keep(states, [row(1)], [1, 2], 8, 9);
    assert.deepEqual(values(states, [filler, row(1), filler]), [8, 9, 8, 9, 8, 9]);
    assert.equal(keep(states, [filler, row(1), filler], [3, 2], 0, 0, 1, 2, 0, 0), null);
    assert.deepEqual(values(states, [row(1)]), [1, 2]);
    assert.equal(states.slotCount, 1);
  });

  it("gives first values to a batch without sequences, as a warm-up is, and keeps nothing of it", () => {
    const states = new SequenceStates(specOf([state("a", { initialData: Uint8Array.of(7, 8) })]));
    assert.deepEqual(values(states, [filler, filler]), [7, 8, 7, 8]);
    assert.equal(keep(states, [filler, filler], [2, 2], 1, 2, 3, 4), null);
    assert.equal(states.slotCount, 0);
  });

  it("lets a state change its shape where the config lets it vary", () => {
    const growing = state("a", { dims: [-1], initialDims: [1] });
    const states = new SequenceStates(specOf([growing], 0));
    assert.deepEqual(inputs(states, [row(0, "S")])[0]?.shape, [1]);
    keep(states, [row(0)], [3], 1, 2, 3);
    assert.deepEqual(inputs(states, [row(0)])[0]?.shape, [3]);
    assert.deepEqual(values(states, [row(0)]), [1, 2, 3]);
  });

  it("refuses to join states of different shapes", () => {
    const states = new SequenceStates(specOf([state("a", { dims: [-1], initialDims: [1] })]));
    values(states, [row(0, "S")]);
    keep(states, [row(0)], [1, 2], 1, 2);
    const made = states.inputsFor([row(0), row(1, "S")]);
    assert.ok(!Array.isArray(made));
    assert.match(
      made.message,
      /state 'a_in' has shape \[2\] in one sequence of the batch and \[1\] in another/,
    );
  });

  it("fails what came out in a wrong shape or not at all, and keeps the state as it was", () => {
    const states = new SequenceStates(specOf([state("a")]));
    values(states, [row(0, "S")]);
    keep(states, [row(0)], [1, 2], 4, 5);
    assert.match(
      keep(states, [row(0)], [1, 3], 1, 2, 3)?.message ?? "",
      /'a_out' came out with shape \[1,3\], expected \[1,2\]/,
    );
    assert.match(keep(states, [row(0)], [2, 2], 1, 2, 3, 4)?.message ?? "", /expected \[1,2\]/);
    assert.match(states.keep([row(0)], [])?.message ?? "", /state output 'a_out' was not produced/);
    assert.deepEqual(values(states, [row(0)]), [4, 5]);
  });
});
