import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { BatchOutputs, BatchSpec, ExecutionBatch } from "../../../../backends/backend.ts";
import { SequenceStates } from "../../../../backends/worker/sequence-states.ts";
import { StatefulBatch, StatefulOutputs } from "../../../../backends/worker/stateful-batch.ts";
import { identitySpec } from "../../../helpers/tensor-spec.ts";

/** OUTPUT0 is a state that clients may see; `hidden` is one that they may not. */
const spec: BatchSpec = {
  ...identitySpec("UINT8", [2]),
  states: ["OUTPUT0", "hidden"].map((outputName) => ({
    inputName: `${outputName}_in`,
    outputName,
    datatype: "UINT8",
    dims: [2],
    initialDims: [2],
    initialData: null,
  })),
};

/** A batch in whose frame OUTPUT0 has a place, or is not wanted by anybody. */
function frameBatch(isWanted: boolean): ExecutionBatch {
  return {
    rows: 1,
    buffer: Uint8Array.of(0, 0, 6, 7).buffer,
    inputs: [],
    wantsOutput: (index) => index === 0 && isWanted,
    placeFor: (index) => (index === 0 && isWanted ? { byteOffset: 2, byteLength: 2, shape: [1, 2] } : null),
  };
}

class Recorder implements BatchOutputs {
  readonly calls: string[] = [];
  placed(index: number): void {
    this.calls.push(`placed ${index}`);
  }
  produced(index: number): void {
    this.calls.push(`produced ${index}`);
  }
  markInputEnd(): void {
    this.calls.push("input end");
  }
  markOutputStart(): void {
    this.calls.push("output start");
  }
}

describe("StatefulBatch", () => {
  it("wants all states and gives places only in the frame", () => {
    const states = new SequenceStates(spec);
    const batch = new StatefulBatch(frameBatch(false), states, [], 1);
    assert.deepEqual([batch.wantsOutput(0), batch.wantsOutput(1)], [true, true]);
    assert.deepEqual([batch.placeFor(0), batch.placeFor(1)], [null, null]);
    const wanted = new StatefulBatch(frameBatch(true), states, [], 1);
    assert.equal(wanted.placeFor(0)?.byteOffset, 2);
  });
});

describe("StatefulOutputs", () => {
  it("keeps every state and hands on only what clients asked for", () => {
    const states = new SequenceStates(spec);
    const recorder = new Recorder();
    const outputs = new StatefulOutputs(frameBatch(false), recorder, states, 1);
    outputs.markInputEnd();
    outputs.produced(0, [1, 2], Uint8Array.of(1, 2));
    outputs.produced(1, [1, 2], Uint8Array.of(3, 4));
    outputs.markOutputStart();
    assert.deepEqual(recorder.calls, ["input end", "output start"]);
    assert.deepEqual(
      outputs.states.map((state) => [...(state?.data ?? [])]),
      [
        [1, 2],
        [3, 4],
      ],
    );
  });

  it("reads a state that was written in place from there", () => {
    const recorder = new Recorder();
    const outputs = new StatefulOutputs(frameBatch(true), recorder, new SequenceStates(spec), 1);
    outputs.placed(0, [1, 2]);
    assert.deepEqual([...(outputs.states[0]?.data ?? [])], [6, 7]);
    outputs.produced(0, [1, 2], Uint8Array.of(8, 8));
    assert.deepEqual(recorder.calls, ["placed 0", "produced 0"]);
  });
});
