import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { BatchSpec, TensorJoin } from "../../../../backends/backend.ts";
import { FrameBatch, FrameHeader, FrameLayout } from "../../../../backends/worker/batch-frame.ts";
import { FramePool } from "../../../../backends/worker/frame-pool.ts";
import { gatherBatch } from "../../../../backends/worker/gather.ts";
import { checkOutputs, scatterBatch } from "../../../../backends/worker/scatter.ts";
import { elementCount } from "../../../../server/core/shape.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";
import { tensorSpec } from "../../../helpers/tensor-spec.ts";

const identity = { modelName: "m", modelVersion: "1" };

function padded(axis: number, multipleOf: number, elementBytes = 4): TensorJoin {
  return { kind: "padded", axis, multipleOf, padElement: new Uint8Array(elementBytes).fill(0xaa) };
}

function trimmed(...cuts: { axis: number; source: number }[]): TensorJoin {
  return { kind: "trimmed", cuts };
}

/** Behaves as a model whose output i is its input i, or has another length when told. */
function run(layout: FrameLayout, header: FrameHeader, lengthen = 0): FrameHeader {
  const batch = new FrameBatch(layout, header.buffer);
  for (const { index, byteOffset, byteLength, shape } of batch.inputs) {
    if (index >= layout.spec.outputs.length) continue;
    shape[1]! += lengthen;
    header.writeOutput(index, byteOffset, byteLength, shape);
  }
  return header;
}

/** Items of any rank with one padded axis, requests of any length and number of rows. */
const batchArbitrary = fc
  .record({
    before: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    after: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
    multipleOf: fc.integer({ min: 1, max: 5 }),
    requests: fc.array(
      fc.record({ rows: fc.integer({ min: 0, max: 3 }), length: fc.integer({ min: 0, max: 6 }) }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .map((given) => ({ ...given, axis: given.before.length + 1 }));

describe("scatterBatch with trimmed outputs", () => {
  it("gives every request its own elements back, for any shapes, lengths and rows", () => {
    fc.assert(
      fc.property(batchArbitrary, ({ before, after, axis, multipleOf, requests }) => {
        const dims = [...before, -1, ...after];
        const layout = new FrameLayout({
          maxBatchSize: 16,
          inputs: [tensorSpec("x", "INT32", dims, { join: padded(axis, multipleOf) })],
          states: [],
          outputs: [tensorSpec("y", "INT32", dims, { join: trimmed({ axis, source: 0 }) })],
        });
        let next = 0;
        const sent = requests.map(({ rows, length }) => {
          const shape = [rows, ...before, length, ...after];
          const values = Int32Array.from({ length: elementCount(shape) }, () => next++);
          const data = new Uint8Array(values.buffer);
          return makeRequest({ inputs: [new Tensor("x", "INT32", shape, data)], batchSize: rows });
        });
        const batch = sent.map(({ request }) => request);
        const header = run(layout, gatherBatch(batch, layout, new FramePool(1)));
        assert.equal(checkOutputs(batch, header, layout), null);
        scatterBatch(batch, header, layout, identity, new FramePool(1));
        for (const { request, sink } of sent) {
          const [output] = sink.responses[0]!.outputs;
          assert.deepEqual(output?.shape, request.inputs[0]?.shape);
          assert.deepEqual([...output!.data], [...request.inputs[0]!.data]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("cuts two axes by two inputs", () => {
    const layout = new FrameLayout({
      maxBatchSize: 4,
      inputs: [
        tensorSpec("a", "UINT8", [-1], { join: padded(1, 1, 1) }),
        tensorSpec("b", "UINT8", [-1], { join: padded(1, 1, 1) }),
      ],
      states: [],
      outputs: [
        tensorSpec("y", "UINT8", [-1, -1], {
          join: trimmed({ axis: 2, source: 1 }, { axis: 1, source: 0 }),
        }),
      ],
    });
    const sent = [
      [2, 1],
      [1, 3],
    ].map(([a = 0, b = 0]) =>
      makeRequest({
        inputs: [
          new Tensor("a", "UINT8", [1, a], new Uint8Array(a)),
          new Tensor("b", "UINT8", [1, b], new Uint8Array(b)),
        ],
      }),
    );
    const batch = sent.map(({ request }) => request);
    const header = gatherBatch(batch, layout, new FramePool(1));
    // Two items of 2 × 3: 0 1 2 | 3 4 5 and 6 7 8 | 9 10 11.
    const at = header.buffer.byteLength;
    const grown = new FrameHeader(layout, new ArrayBuffer(at + 12));
    new Uint8Array(grown.buffer).set(new Uint8Array(header.buffer));
    for (let i = 0; i < 12; i++) new Uint8Array(grown.buffer)[at + i] = i;
    grown.writeOutput(0, at, 12, [2, 2, 3]);
    assert.equal(checkOutputs(batch, grown, layout), null);
    scatterBatch(batch, grown, layout, identity, new FramePool(1));
    const [first, second] = sent.map(({ sink }) => sink.responses[0]!.outputs[0]!);
    assert.deepEqual(
      [first!.shape, [...first!.data]],
      [
        [1, 2, 1],
        [0, 3],
      ],
    );
    assert.deepEqual(
      [second!.shape, [...second!.data]],
      [
        [1, 1, 3],
        [6, 7, 8],
      ],
    );
  });

  it("fails a batch whose output is not as long as the padded input", () => {
    const layout = new FrameLayout({
      maxBatchSize: 4,
      inputs: [tensorSpec("x", "UINT8", [-1], { join: padded(1, 4, 1) })],
      states: [],
      outputs: [tensorSpec("y", "UINT8", [-1], { join: trimmed({ axis: 1, source: 0 }) })],
    });
    const batch = [makeRequest({ inputs: [new Tensor("x", "UINT8", [1, 3], new Uint8Array(3))] }).request];
    const header = run(layout, gatherBatch(batch, layout, new FramePool(1)), 2);
    assert.equal(
      checkOutputs(batch, header, layout)?.message,
      "output 'y' came out with shape [1,6], expected 4 along axis 1, the padded length of input 'x'",
    );
  });

  it("cuts nothing when the optional input was left out", () => {
    const spec: BatchSpec = {
      maxBatchSize: 4,
      inputs: [
        tensorSpec("z", "UINT8", [-1]),
        tensorSpec("x", "UINT8", [-1], { join: padded(1, 1, 1), isOptional: true }),
      ],
      states: [],
      outputs: [tensorSpec("y", "UINT8", [-1], { join: trimmed({ axis: 1, source: 1 }) })],
    };
    const layout = new FrameLayout(spec);
    const { request, sink } = makeRequest({
      inputs: [new Tensor("z", "UINT8", [1, 2], Uint8Array.of(1, 2))],
    });
    const header = run(layout, gatherBatch([request], layout, new FramePool(1)));
    assert.equal(checkOutputs([request], header, layout), null);
    scatterBatch([request], header, layout, identity, new FramePool(1));
    assert.deepEqual([...sink.responses[0]!.outputs[0]!.data], [1, 2]);
  });
});
