import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { BatchSpec, TensorJoin } from "../../../../backends/backend.ts";
import { FrameBatch, FrameLayout } from "../../../../backends/worker/batch-frame.ts";
import { FramePool } from "../../../../backends/worker/frame-pool.ts";
import { gatherBatch } from "../../../../backends/worker/gather.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";
import { tensorSpec } from "../../../helpers/tensor-spec.ts";

function padded(axis: number, multipleOf = 1, ...element: number[]): TensorJoin {
  return {
    kind: "padded",
    axis,
    multipleOf,
    padElement: Uint8Array.from(element.length === 0 ? [0] : element),
  };
}

function uint8(name: string, shape: number[], ...values: number[]): Tensor {
  return new Tensor(name, "UINT8", shape, Uint8Array.from(values));
}

/** Gathers requests, each given as its inputs, into a frame full of an earlier batch's bytes. */
function gather(spec: BatchSpec, ...requests: Tensor[][]): { shape: number[]; values: number[] }[] {
  const layout = new FrameLayout(spec);
  const frames = new FramePool(1);
  const used = new ArrayBuffer(1 << 16);
  new Uint8Array(used).fill(0xee);
  frames.give(used);
  const batch = requests.map(
    (inputs) => makeRequest({ inputs, batchSize: inputs[0]?.shape[0] ?? 1 }).request,
  );
  const { buffer } = gatherBatch(batch, layout, frames);
  assert.equal(buffer, used, "the frame is to be reused");
  return new FrameBatch(layout, buffer).inputs.map(({ shape, byteOffset, byteLength }) => ({
    shape,
    values: [...new Uint8Array(buffer, byteOffset, byteLength)],
  }));
}

const mask: TensorJoin = { kind: "mask", source: 0, oneElement: Uint8Array.of(1) };

describe("gatherBatch with padded inputs", () => {
  it("fills shorter requests up to the longest one", () => {
    const spec = {
      maxBatchSize: 4,
      inputs: [tensorSpec("x", "UINT8", [-1], { join: padded(1) })],
      outputs: [],
      states: [],
    };
    assert.deepEqual(
      gather(spec, [uint8("x", [1, 2], 1, 2)], [uint8("x", [1, 3], 3, 4, 5)], [uint8("x", [1, 0])]),
      [{ shape: [3, 3], values: [1, 2, 0, 3, 4, 5, 0, 0, 0] }],
    );
  });

  it("fills every row of a request", () => {
    const spec = {
      maxBatchSize: 4,
      inputs: [tensorSpec("x", "UINT8", [-1], { join: padded(1, 1, 9) })],
      outputs: [],
      states: [],
    };
    assert.deepEqual(gather(spec, [uint8("x", [2, 2], 1, 2, 3, 4)], [uint8("x", [1, 3], 5, 6, 7)]), [
      { shape: [3, 3], values: [1, 2, 9, 3, 4, 9, 5, 6, 7] },
    ]);
  });

  it("rounds the length up, also for a request that runs alone", () => {
    const spec = {
      maxBatchSize: 4,
      inputs: [tensorSpec("x", "UINT8", [-1], { join: padded(1, 4) })],
      outputs: [],
      states: [],
    };
    assert.deepEqual(gather(spec, [uint8("x", [1, 3], 1, 2, 3)]), [{ shape: [1, 4], values: [1, 2, 3, 0] }]);
    assert.deepEqual(gather(spec, [uint8("x", [1, 4], 1, 2, 3, 4)])[0]?.shape, [1, 4]);
    assert.deepEqual(gather(spec, [uint8("x", [1, 0])])[0]?.shape, [1, 0]);
  });

  it("pads an axis in the middle, whole slices at a time", () => {
    const spec = {
      maxBatchSize: 4,
      inputs: [tensorSpec("x", "UINT8", [2, -1, 2], { join: padded(2) })],
      outputs: [],
      states: [],
    };
    const short = uint8("x", [1, 2, 1, 2], 1, 2, 3, 4);
    const long = uint8("x", [1, 2, 2, 2], 5, 6, 7, 8, 9, 10, 11, 12);
    assert.deepEqual(gather(spec, [short], [long]), [
      { shape: [2, 2, 2, 2], values: [1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12] },
    ]);
  });

  it("pads with elements of several bytes", () => {
    const join = padded(1, 1, 1, 2);
    const spec = {
      maxBatchSize: 4,
      inputs: [tensorSpec("x", "UINT16", [-1], { join })],
      outputs: [],
      states: [],
    };
    const tensor = (length: number): Tensor =>
      new Tensor("x", "UINT16", [1, length], new Uint8Array(2 * length).fill(7));
    assert.deepEqual(gather(spec, [tensor(1)], [tensor(3)]), [
      { shape: [2, 3], values: [7, 7, 1, 2, 1, 2, 7, 7, 7, 7, 7, 7] },
    ]);
  });

  it("fills a mask: ones for the elements of each row, zeros for the padding", () => {
    const spec = {
      maxBatchSize: 4,
      inputs: [
        tensorSpec("x", "UINT8", [-1], { join: padded(1, 4) }),
        tensorSpec("m", "UINT16", [-1], { join: { ...mask, oneElement: Uint8Array.of(5, 6) } }),
      ],
      outputs: [],
      states: [],
    };
    const [, made] = gather(
      spec,
      [uint8("x", [2, 1], 1, 2)],
      [uint8("x", [1, 3], 3, 4, 5)],
      [uint8("x", [0, 4])],
    );
    assert.deepEqual(made, {
      shape: [3, 4],
      values: [5, 6, 0, 0, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0, 5, 6, 5, 6, 5, 6, 0, 0],
    });
  });

  it("pads several inputs, each to its own longest", () => {
    const spec = {
      maxBatchSize: 4,
      inputs: [
        tensorSpec("x", "UINT8", [-1], { join: padded(1) }),
        tensorSpec("y", "UINT8", [-1], { join: padded(1, 1, 7) }),
        tensorSpec("m", "UINT8", [-1], { join: { ...mask, source: 1 } as TensorJoin }),
      ],
      outputs: [],
      states: [],
    };
    assert.deepEqual(
      gather(
        spec,
        [uint8("x", [1, 1], 1), uint8("y", [1, 2], 2, 3)],
        [uint8("x", [1, 2], 4, 5), uint8("y", [1, 1], 6)],
      ),
      [
        { shape: [2, 2], values: [1, 0, 4, 5] },
        { shape: [2, 2], values: [2, 3, 6, 7] },
        { shape: [2, 2], values: [1, 1, 1, 0] },
      ],
    );
  });

  it("leaves out an optional input that nobody sent, and its mask", () => {
    const spec = {
      maxBatchSize: 4,
      inputs: [
        tensorSpec("x", "UINT8", [-1], { join: padded(1), isOptional: true }),
        tensorSpec("z", "UINT8", [1]),
        tensorSpec("m", "UINT8", [-1], { join: mask }),
      ],
      outputs: [],
      states: [],
    };
    assert.deepEqual(gather(spec, [uint8("z", [1, 1], 1)], [uint8("z", [1, 1], 2)]), [
      { shape: [2, 1], values: [1, 2] },
    ]);
  });
});
