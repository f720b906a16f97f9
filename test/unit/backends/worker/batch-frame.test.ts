import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { BatchSpec } from "../../../../backends/backend.ts";
import {
  alignTensor,
  FrameBatch,
  FrameHeader,
  FrameLayout,
  tensorState,
} from "../../../../backends/worker/batch-frame.ts";
import { tensorSpec } from "../../../helpers/tensor-spec.ts";

const spec: BatchSpec = {
  maxBatchSize: 8,
  states: [],
  inputs: [tensorSpec("a", "FP32", [3, 2]), tensorSpec("b", "BYTES", [-1])],
  outputs: [tensorSpec("x", "INT64", [5]), tensorSpec("y", "BYTES", [1]), tensorSpec("z", "FP16", [-1, 2])],
};
const layout = new FrameLayout(spec);

function emptyHeader(): FrameHeader {
  return new FrameHeader(layout, new ArrayBuffer(4096));
}

describe("alignTensor", () => {
  it("rounds up to 64", () => {
    assert.deepEqual([0, 1, 63, 64, 65, 2 ** 33 + 1].map(alignTensor), [0, 64, 64, 64, 128, 2 ** 33 + 64]);
  });
});

describe("FrameLayout", () => {
  it("gives each tensor a record of its own, with room for its rank and the batch dimension", () => {
    // Five fixed fields; a record is state, offset, length and the dimensions.
    assert.deepEqual(layout.inputSlots, [5, 11]);
    assert.deepEqual(layout.outputSlots, [16, 21, 26]);
    assert.equal(layout.headerBytes, alignTensor(32 * 8));
  });

  it("has no batch dimension for a model that does not batch", () => {
    const single = new FrameLayout({ ...spec, maxBatchSize: 0 });
    assert.deepEqual(single.inputSlots, [5, 10]);
    assert.equal(single.isBatching, false);
  });

  it("knows the row size of fixed-size outputs only", () => {
    assert.deepEqual(layout.outputRowBytes, [40, -1, -1]);
    assert.equal(layout.outputPlaceBytes(1), 64);
    assert.equal(layout.outputPlaceBytes(4), alignTensor(160));
    assert.equal(layout.outputPlaceBytes(0), 0);
  });

  it("takes scalars for one element", () => {
    const scalar = new FrameLayout({
      maxBatchSize: 0,
      states: [],
      inputs: [],
      outputs: [tensorSpec("s", "FP64", [])],
    });
    assert.deepEqual(scalar.outputRowBytes, [8]);
  });

  it("is the same on both sides of a thread boundary", () => {
    const other = new FrameLayout(structuredClone(spec));
    assert.deepEqual(other, layout);
  });
});

describe("FrameHeader", () => {
  it("reads back what was written, field by field", () => {
    const written = emptyHeader();
    written.rows = 7;
    written.computeStartUs = 1e12 + 0.25;
    written.computeInputEndUs = 1e12 + 1.5;
    written.computeOutputStartUs = 1e12 + 2.5;
    written.computeEndUs = 1e12 + 3.75;
    written.writeInput(0, 256, 168, [7, 3, 2]);
    written.writeInput(1, 2 ** 33, 2 ** 34, [7, 1]);
    written.requestOutput(0, tensorState.wantedInPlace, 512, 280);
    written.writeOutput(2, 1024, 28, [7, 1, 2]);

    const read = new FrameHeader(layout, written.buffer);
    assert.equal(read.rows, 7);
    assert.equal(read.computeStartUs, 1e12 + 0.25);
    assert.equal(read.computeInputEndUs, 1e12 + 1.5);
    assert.equal(read.computeOutputStartUs, 1e12 + 2.5);
    assert.equal(read.computeEndUs, 1e12 + 3.75);
    assert.deepEqual(read.readInput(0), {
      index: 0,
      shape: [7, 3, 2],
      buffer: written.buffer,
      byteOffset: 256,
      byteLength: 168,
    });
    assert.deepEqual(read.readInput(1), {
      index: 1,
      shape: [7, 1],
      buffer: written.buffer,
      byteOffset: 2 ** 33,
      byteLength: 2 ** 34,
    });
    assert.equal(read.outputState(0), tensorState.wantedInPlace);
    assert.equal(read.outputOffset(0), 512);
    assert.equal(read.outputLength(0), 280);
    assert.equal(read.outputState(1), tensorState.absent);
    assert.equal(read.outputState(2), tensorState.present);
    assert.deepEqual(read.outputShape(2), [7, 1, 2]);
  });

  it("forgets an input that is cleared", () => {
    const header = emptyHeader();
    header.writeInput(0, 256, 24, [1, 3, 2]);
    header.clearInput(0);
    assert.equal(header.inputState(0), tensorState.absent);
  });
});

describe("FrameBatch", () => {
  function batchOf(fill: (header: FrameHeader) => void): FrameBatch {
    const header = emptyHeader();
    header.rows = 3;
    fill(header);
    return new FrameBatch(layout, header.buffer);
  }

  it("lists the inputs that are there", () => {
    const batch = batchOf((header) => header.writeInput(1, 320, 12, [3, 1]));
    assert.equal(batch.rows, 3);
    assert.deepEqual(batch.inputs, [
      { index: 1, shape: [3, 1], buffer: batch.buffer, byteOffset: 320, byteLength: 12 },
    ]);
  });

  it("tells what is wanted and where there is room for it", () => {
    const batch = batchOf((header) => {
      header.requestOutput(0, tensorState.wantedInPlace, 384, 120);
      header.requestOutput(1, tensorState.wanted, 0, 0);
    });
    assert.deepEqual(
      [0, 1, 2].map((index) => batch.wantsOutput(index)),
      [true, true, false],
    );
    assert.deepEqual(batch.placeFor(0), { byteOffset: 384, byteLength: 120, shape: [3, 5] });
    assert.equal(batch.placeFor(1), null);
    assert.equal(batch.placeFor(2), null);
  });
});
