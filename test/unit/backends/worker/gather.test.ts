import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { BatchSpec } from "../../../../backends/backend.ts";
import {
  FrameBatch,
  type FrameHeader,
  FrameLayout,
  tensorState,
} from "../../../../backends/worker/batch-frame.ts";
import { FramePool } from "../../../../backends/worker/frame-pool.ts";
import { gatherBatch } from "../../../../backends/worker/gather.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import type { BatchInputKind } from "../../../../server/model-config/model-config.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";
import { identitySpec, tensorSpec } from "../../../helpers/tensor-spec.ts";

function bytes(name: string, shape: number[], ...values: number[]): Tensor {
  return new Tensor(name, "UINT8", shape, Uint8Array.from(values));
}

/** Gathers requests, each given as its inputs and batch size. */
function gather(
  spec: BatchSpec,
  requests: readonly { inputs: Tensor[]; rows?: number; mask?: number }[],
): { header: FrameHeader; batch: FrameBatch; readonly inputBytes: (position: number) => number[] } {
  const layout = new FrameLayout(spec);
  const batch = requests.map(({ inputs, rows, mask }) => {
    const { request } = makeRequest({ inputs, batchSize: rows ?? inputs[0]?.shape[0] ?? 1 });
    if (mask !== undefined) request.outputMask = mask;
    return request;
  });
  const header = gatherBatch(batch, layout, new FramePool(1));
  const seen = new FrameBatch(layout, header.buffer);
  return {
    header,
    batch: seen,
    inputBytes: (position) => {
      const input = seen.inputs[position]!;
      return [...new Uint8Array(header.buffer, input.byteOffset, input.byteLength)];
    },
  };
}

describe("gatherBatch", () => {
  it("puts the requests' rows behind each other, in order", () => {
    const { header, batch, inputBytes } = gather(identitySpec("UINT8", [2]), [
      { inputs: [bytes("INPUT0", [1, 2], 1, 2)] },
      { inputs: [bytes("INPUT0", [2, 2], 3, 4, 5, 6)] },
    ]);
    assert.equal(header.rows, 3);
    assert.deepEqual(batch.inputs[0]?.shape, [3, 2]);
    assert.deepEqual(inputBytes(0), [1, 2, 3, 4, 5, 6]);
  });

  it("starts every tensor at a multiple of 64, none over another", () => {
    const spec: BatchSpec = {
      maxBatchSize: 4,
      states: [],
      inputs: [tensorSpec("a", "UINT8", [65]), tensorSpec("b", "UINT8", [1])],
      outputs: [tensorSpec("y", "UINT8", [3]), tensorSpec("z", "UINT8", [70])],
    };
    const inputs = [bytes("a", [1, 65], ...new Array<number>(65).fill(7)), bytes("b", [1, 1], 9)];
    const { header, batch, inputBytes } = gather(spec, [{ inputs }]);
    const places = [batch.placeFor(0), batch.placeFor(1)];
    const areas = [...batch.inputs, ...places].map((area) => [area!.byteOffset, area!.byteLength] as const);
    let end = 0;
    for (const [offset, length] of areas) {
      assert.equal(offset % 64, 0);
      assert.ok(offset >= end, `${offset} is before ${end}`);
      end = offset + length;
    }
    assert.ok(end <= header.buffer.byteLength);
    assert.deepEqual(inputBytes(1), [9]);
  });

  it("takes inputs that start anywhere in their buffer", () => {
    const body = Uint8Array.of(0, 0, 0, 1, 2, 3, 4);
    const tensor = new Tensor("INPUT0", "FP32", [1, 1], body.subarray(3));
    assert.deepEqual(gather(identitySpec("FP32", [1]), [{ inputs: [tensor] }]).inputBytes(0), [1, 2, 3, 4]);
  });

  it("shows the model its own shapes where the config reshapes", () => {
    const spec: BatchSpec = {
      maxBatchSize: 4,
      states: [],
      inputs: [
        tensorSpec("a", "UINT8", [], { wireDims: [1] }),
        tensorSpec("b", "UINT8", [2, -1], { wireDims: [-1, 1, 2] }),
      ],
      outputs: [],
    };
    const inputs = [bytes("a", [2, 1], 1, 2), bytes("b", [2, 3, 1, 2], ...new Array<number>(12).fill(0))];
    const { batch } = gather(spec, [{ inputs }]);
    assert.deepEqual(
      batch.inputs.map(({ shape }) => shape),
      [[2], [2, 2, 3]],
    );
  });

  it("leaves the shape alone in a model that does not batch", () => {
    const { header, batch } = gather(identitySpec("UINT8", [-1], 0), [
      { inputs: [bytes("INPUT0", [3], 1, 2, 3)] },
    ]);
    assert.equal(header.rows, 1);
    assert.deepEqual(batch.inputs[0]?.shape, [3]);
  });

  it("leaves absent optional inputs out, and finds the others by name", () => {
    const spec: BatchSpec = {
      maxBatchSize: 0,
      states: [],
      inputs: [tensorSpec("a", "UINT8", [1], { isOptional: true }), tensorSpec("b", "UINT8", [1])],
      outputs: [],
    };
    const { batch, inputBytes } = gather(spec, [{ inputs: [bytes("b", [1], 5)] }]);
    assert.deepEqual(
      batch.inputs.map(({ index }) => index),
      [1],
    );
    assert.deepEqual(inputBytes(0), [5]);
  });

  it("wants the outputs that any request of the batch asks for", () => {
    const spec: BatchSpec = {
      ...identitySpec("UINT8", [1]),
      outputs: [tensorSpec("x", "UINT8", [1]), tensorSpec("y", "BYTES", [1]), tensorSpec("z", "UINT8", [1])],
    };
    const input = (): Tensor[] => [bytes("INPUT0", [1, 1], 1)];
    const { header } = gather(spec, [
      { inputs: input(), mask: 0b001 },
      { inputs: input(), mask: 0b010 },
    ]);
    assert.equal(header.outputState(0), tensorState.wantedInPlace);
    assert.equal(header.outputState(1), tensorState.wanted);
    assert.equal(header.outputState(2), tensorState.absent);
  });

  it("wants all outputs of a model that has more than fit the mask", () => {
    const outputs = Array.from({ length: 40 }, (_, i) => tensorSpec(`y${i}`, "UINT8", [1]));
    const { batch } = gather({ ...identitySpec("UINT8", [1]), outputs }, [
      { inputs: [bytes("INPUT0", [1, 1], 1)] },
    ]);
    assert.ok(outputs.every((_, index) => batch.wantsOutput(index)));
  });

  it("carries batches without rows", () => {
    const { header, batch } = gather(identitySpec("UINT8", [2]), [{ inputs: [bytes("INPUT0", [0, 2])] }]);
    assert.equal(header.rows, 0);
    assert.deepEqual(batch.inputs[0]?.shape, [0, 2]);
    assert.deepEqual(batch.placeFor(0)?.byteLength, 0);
  });

  it("leaves nothing of an earlier batch in a frame that is used again", () => {
    const spec: BatchSpec = {
      maxBatchSize: 0,
      states: [],
      inputs: [
        tensorSpec("a", "UINT8", [-1], { isOptional: true }),
        tensorSpec("b", "UINT8", [-1], { isOptional: true }),
      ],
      outputs: [tensorSpec("y", "UINT8", [1]), tensorSpec("z", "BYTES", [1])],
    };
    const layout = new FrameLayout(spec);
    const pool = new FramePool(1);
    const both = makeRequest({ inputs: [bytes("a", [2], 1, 2), bytes("b", [1], 3)] }).request;
    pool.give(gatherBatch([both], layout, pool).buffer);
    const one = makeRequest({ inputs: [bytes("b", [1], 4)] }).request;
    one.outputMask = 0b10;
    const header = gatherBatch([one], layout, pool);
    const batch = new FrameBatch(layout, header.buffer);
    assert.deepEqual(
      batch.inputs.map(({ index, shape }) => [index, shape]),
      [[1, [1]]],
    );
    assert.deepEqual([batch.wantsOutput(0), batch.wantsOutput(1)], [false, true]);
  });

  it("joins ragged inputs element by element, whatever their shapes (row 126)", () => {
    const spec: BatchSpec = {
      maxBatchSize: 8,
      states: [],
      inputs: [tensorSpec("a", "UINT8", [-1], { join: { kind: "flat" } }), tensorSpec("b", "UINT8", [1])],
      outputs: [],
    };
    const { header, batch, inputBytes } = gather(spec, [
      { inputs: [bytes("a", [1, 2], 1, 2), bytes("b", [1, 1], 9)] },
      { inputs: [bytes("a", [2, 3], 3, 4, 5, 6, 7, 8), bytes("b", [2, 1], 8, 7)] },
    ]);
    assert.equal(header.rows, 3);
    assert.deepEqual(
      batch.inputs.map(({ shape }) => shape),
      [[8], [3, 1]],
    );
    assert.deepEqual(inputBytes(0), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(inputBytes(1), [9, 8, 7]);
  });
});

describe("gatherBatch of generated inputs", () => {
  const kinds: readonly (readonly [BatchInputKind, number[], number[]])[] = [
    ["BATCH_ELEMENT_COUNT", [3], [2, 12, 2]],
    ["BATCH_ACCUMULATED_ELEMENT_COUNT", [3], [2, 14, 16]],
    ["BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO", [4], [0, 2, 14, 16]],
    ["BATCH_MAX_ELEMENT_COUNT_AS_SHAPE", [12], new Array<number>(12).fill(0)],
    ["BATCH_ITEM_SHAPE", [4, 2], [1, 2, 3, 2, 3, 2, 2, 1]],
    ["BATCH_ITEM_SHAPE_FLATTEN", [8], [1, 2, 3, 2, 3, 2, 2, 1]],
  ];
  /** Shapes of one item: [1, 2], two times [3, 2], [2, 1]. */
  const requests = [
    [1, 1, 2],
    [2, 3, 2],
    [1, 2, 1],
  ].map((shape) => {
    const values = new Array<number>(shape.reduce((count, dim) => count * dim, 1)).fill(255);
    return { inputs: [bytes("a", shape, ...values)] };
  });

  for (const [what, shape, values] of kinds) {
    for (const datatype of ["INT32", "FP32"] as const) {
      it(`makes ${what} as ${datatype} (row 126)`, () => {
        const spec: BatchSpec = {
          maxBatchSize: 8,
          states: [],
          inputs: [
            tensorSpec("a", "UINT8", [-1, -1], { join: { kind: "flat" } }),
            tensorSpec("g", datatype, [], { join: { kind: "generated", what, source: 0 } }),
          ],
          outputs: [],
        };
        const layout = new FrameLayout(spec);
        const pool = new FramePool(1);
        // A frame with something left in it.
        const used = new ArrayBuffer(4096);
        new Uint8Array(used).fill(0xee);
        pool.give(used);
        const batch = requests.map(({ inputs }) => makeRequest({ inputs, batchSize: inputs[0]!.shape[0]! }));
        const { buffer } = gatherBatch(
          batch.map(({ request }) => request),
          layout,
          pool,
        );
        const made = new FrameBatch(layout, buffer).inputs[1]!;
        assert.deepEqual(made.shape, shape);
        const view = datatype === "INT32" ? Int32Array : Float32Array;
        assert.deepEqual([...new view(buffer, made.byteOffset, made.byteLength / 4)], values);
      });
    }
  }

  it("leaves out what is made from an optional input that is not there", () => {
    const spec: BatchSpec = {
      maxBatchSize: 8,
      states: [],
      inputs: [
        tensorSpec("a", "UINT8", [-1], { isOptional: true }),
        tensorSpec("b", "UINT8", [1]),
        tensorSpec("g", "INT32", [], {
          join: { kind: "generated", what: "BATCH_ELEMENT_COUNT", source: 0 },
        }),
      ],
      outputs: [],
    };
    const { batch } = gather(spec, [{ inputs: [bytes("b", [1, 1], 5)] }]);
    assert.deepEqual(
      batch.inputs.map(({ index }) => index),
      [1],
    );
  });
});
