import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { BatchSpec } from "../../../../backends/backend.ts";
import { FrameBatch, type FrameHeader, FrameLayout } from "../../../../backends/worker/batch-frame.ts";
import { FramePool } from "../../../../backends/worker/frame-pool.ts";
import { gatherBatch } from "../../../../backends/worker/gather.ts";
import { checkOutputs, scatterBatch } from "../../../../backends/worker/scatter.ts";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import { dataTypeByteSize, dataTypes } from "../../../../server/core/data-type.ts";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { elementCount } from "../../../../server/core/shape.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import type { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { makeRequest, type RecordingSink } from "../../../helpers/recorded-request.ts";
import { identitySpec, tensorSpec } from "../../../helpers/tensor-spec.ts";

const identity = { modelName: "m", modelVersion: "3" };

interface Sent {
  readonly request: InferenceRequest;
  readonly sink: RecordingSink;
}

function send(inputs: Tensor[], requestedOutputs: string[] = [], outputMask = -1): Sent {
  const sent = makeRequest({ inputs, batchSize: inputs[0]?.shape[0] ?? 1, requestedOutputs, id: "7" });
  sent.request.outputMask = outputMask;
  return sent;
}

/** Runs a model whose output i is its input i, in place: the frame's outputs are where its inputs are. */
function runBatch(layout: FrameLayout, requests: InferenceRequest[]): FrameHeader {
  const header = gatherBatch(requests, layout, new FramePool(1));
  const batch = new FrameBatch(layout, header.buffer);
  for (const { index, byteOffset, byteLength, shape } of batch.inputs) {
    if (index < layout.spec.outputs.length && batch.wantsOutput(index))
      header.writeOutput(index, byteOffset, byteLength, shape);
  }
  return header;
}

/** As {@link runBatch}, then answers. @returns Where the frame goes. */
function runIdentity(spec: BatchSpec, sent: readonly Sent[]): FramePool {
  const layout = new FrameLayout(spec);
  const requests = sent.map(({ request }) => request);
  const frames = new FramePool(1);
  scatterBatch(requests, runBatch(layout, requests), layout, identity, frames);
  return frames;
}

function uint8(name: string, shape: number[], ...values: number[]): Tensor {
  return new Tensor(name, "UINT8", shape, Uint8Array.from(values));
}

/** `[datatype, dims of one item]` of each input, and the batch sizes of the requests. */
const batchArbitrary = fc.record({
  tensors: fc.array(
    fc.record({
      datatype: fc.constantFrom(...dataTypes),
      dims: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
      isVariable: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  batchSizes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
  seed: fc.nat(255),
});

function randomTensor(name: string, datatype: Tensor["datatype"], shape: number[], seed: number): Tensor {
  const count = elementCount(shape);
  const byte = (i: number): number => (seed + i * 31) & 0xff;
  const data =
    datatype === "BYTES"
      ? joinBytesElements(
          Array.from({ length: count }, (_, i) => new Uint8Array((seed + i) % 5).fill(byte(i))),
        )
      : Uint8Array.from({ length: count * dataTypeByteSize[datatype] }, (_, i) => byte(i));
  return new Tensor(name, datatype, shape, data);
}

describe("scatterBatch", () => {
  it("gives every request its own rows back, for any tensors and batch sizes", () => {
    fc.assert(
      fc.property(batchArbitrary, ({ tensors, batchSizes, seed }) => {
        const specs = tensors.map(({ datatype, dims, isVariable }, i) =>
          tensorSpec(`t${i}`, datatype, isVariable ? dims.map(() => -1) : dims),
        );
        const sent = batchSizes.map((rows, request) =>
          send(
            tensors.map(({ datatype, dims }, i) =>
              randomTensor(`t${i}`, datatype, [rows, ...dims], seed + 7 * request + i),
            ),
          ),
        );
        assert.ok(runIdentity({ maxBatchSize: 16, states: [], inputs: specs, outputs: specs }, sent));
        for (const { request, sink } of sent) assert.deepEqual(sink.responses[0]?.outputs, request.inputs);
      }),
      { numRuns: 200 },
    );
  });

  it("says whose response it is", () => {
    const sent = send([uint8("INPUT0", [1, 1], 1)]);
    runIdentity(identitySpec("UINT8", [1]), [sent]);
    const [response] = sent.sink.responses;
    assert.deepEqual([response?.modelName, response?.modelVersion, response?.id], ["m", "3", "7"]);
  });

  it("gives clients their own shapes back where the config reshapes", () => {
    const spec: BatchSpec = {
      maxBatchSize: 4,
      states: [],
      inputs: [tensorSpec("a", "UINT8", [2, -1], { wireDims: [-1, 1, 2] })],
      outputs: [tensorSpec("y", "UINT8", [2, -1], { wireDims: [1, -1, 2] })],
    };
    const sent = [1, 2].map((rows) => send([randomTensor("a", "UINT8", [rows, 3, 1, 2], rows)]));
    runIdentity(spec, sent);
    assert.deepEqual(
      sent.map(({ sink }) => sink.responses[0]?.outputs[0]?.shape),
      [
        [1, 1, 3, 2],
        [2, 1, 3, 2],
      ],
    );
  });

  it("hands the whole output over in a model that does not batch", () => {
    const spec = identitySpec("BYTES", [-1], 0);
    const sent = send([randomTensor("INPUT0", "BYTES", [3], 1)]);
    runIdentity(spec, [sent]);
    assert.deepEqual(sent.sink.responses[0]?.outputs, [
      new Tensor("OUTPUT0", "BYTES", [3], sent.request.inputs[0]!.data),
    ]);
  });

  it("gives each request the outputs that it asked for and no others", () => {
    const specs = ["a", "b", "c"].map((name) => tensorSpec(name, "UINT8", [1]));
    const inputs = (value: number): Tensor[] =>
      ["a", "b", "c"].map((name, i) => uint8(name, [1, 1], value + i));
    const first = send(inputs(10), ["a", "c"], 0b101);
    const second = send(inputs(20), ["b"], 0b010);
    const third = send(inputs(30));
    runIdentity({ maxBatchSize: 4, states: [], inputs: specs, outputs: specs }, [first, second, third]);
    const values = ({ sink }: Sent): unknown =>
      sink.responses[0]?.outputs.map(({ name, data }) => [name, data[0]]);
    assert.deepEqual(values(first), [
      ["a", 10],
      ["c", 12],
    ]);
    assert.deepEqual(values(second), [["b", 21]]);
    assert.deepEqual(values(third), [
      ["a", 30],
      ["b", 31],
      ["c", 32],
    ]);
  });

  it("gives each request the outputs that it asked for when there are more than fit the mask", () => {
    const specs = Array.from({ length: 40 }, (_, i) => tensorSpec(`t${i}`, "UINT8", [1]));
    const inputs = (): Tensor[] => specs.map(({ name }, i) => uint8(name, [1, 1], i));
    const some = send(inputs(), ["t39", "t2", "t30"]);
    const all = send(inputs());
    runIdentity({ maxBatchSize: 4, states: [], inputs: specs, outputs: specs }, [some, all]);
    assert.deepEqual(
      some.sink.responses[0]?.outputs.map(({ name, data }) => [name, data[0]]),
      [
        ["t2", 2],
        ["t30", 30],
        ["t39", 39],
      ],
    );
    assert.equal(all.sink.responses[0]?.outputs.length, 40);
  });

  it("counts the elements of a BYTES output whose items have a dimension of 0", () => {
    const spec = identitySpec("BYTES", [-1]);
    const sent = [1, 2].map((rows) => send([new Tensor("INPUT0", "BYTES", [rows, 0], new Uint8Array())]));
    runIdentity(spec, sent);
    assert.deepEqual(
      sent.map(({ sink }) => sink.responses[0]?.outputs[0]?.shape),
      [
        [1, 0],
        [2, 0],
      ],
    );
  });

  it("gives the frame back at once, or when the last response that was retained is released", () => {
    const spec = identitySpec("UINT8", [1]);
    const both = [send([uint8("INPUT0", [1, 1], 1)]), send([uint8("INPUT0", [1, 1], 2)])];
    assert.equal(runIdentity(spec, both).freeCount, 1);
    const kept: InferenceResponse[] = [];
    const again = [3, 4].map((value) => {
      const sent = send([uint8("INPUT0", [1, 1], value)]);
      sent.sink.onResponse = (response) => {
        response.retain();
        kept.push(response);
      };
      return sent;
    });
    const frames = runIdentity(spec, again);
    assert.deepEqual([kept.length, frames.freeCount], [2, 0]);
    kept[0]!.release();
    assert.equal(frames.freeCount, 0);
    kept[1]!.release();
    assert.equal(frames.freeCount, 1);
  });
});

describe("checkOutputs", () => {
  /** The frame of a batch of two rows after an identity model has run. */
  function ran(
    spec: BatchSpec,
    inputName: string,
  ): { requests: InferenceRequest[]; header: FrameHeader; layout: FrameLayout } {
    const layout = new FrameLayout(spec);
    const sent = [send([uint8(inputName, [1, 1], 1)]), send([uint8(inputName, [1, 1], 2)])];
    const requests = sent.map(({ request }) => request);
    return { requests, header: runBatch(layout, requests), layout };
  }

  it("takes outputs with the batch's rows", () => {
    const { requests, header, layout } = ran(identitySpec("UINT8", [1]), "INPUT0");
    assert.equal(checkOutputs(requests, header, layout), null);
  });

  it("refuses a batch of which a wanted output was not produced", () => {
    const specs = ["a", "b"].map((name) => tensorSpec(name, "UINT8", [1]));
    const { requests, header, layout } = ran(
      { maxBatchSize: 4, states: [], inputs: specs.slice(0, 1), outputs: specs },
      "a",
    );
    assert.deepEqual(checkOutputs(requests, header, layout), {
      code: "INTERNAL",
      message: "output 'b' was not produced by the model",
    });
  });

  it("refuses an output with another number of rows than the batch", () => {
    const { requests, header, layout } = ran(identitySpec("UINT8", [1]), "INPUT0");
    header.writeOutput(0, header.outputOffset(0), 3, [3, 1]);
    assert.deepEqual(checkOutputs(requests, header, layout), {
      code: "INTERNAL",
      message: "output 'OUTPUT0' came out with shape [3,1], expected batch dimension 2",
    });
  });

  it("refuses a scattered output that has not an element for each of the inputs'", () => {
    const spec = scatteredSpec("UINT8", [-1]);
    const layout = new FrameLayout(spec);
    const requests = [send([uint8("x", [1, 2], 1, 2)]), send([uint8("x", [1, 3], 3, 4, 5)])].map(
      ({ request }) => request,
    );
    const header = runBatch(layout, requests);
    assert.equal(checkOutputs(requests, header, layout), null);
    header.writeOutput(0, header.outputOffset(0), 4, [4]);
    assert.deepEqual(checkOutputs(requests, header, layout), {
      code: "INTERNAL",
      message: "output 'y' came out with 4 elements, expected 5 by the shapes of input 'x'",
    });
  });
});

/** Ragged input x, and output y that is cut by its shapes. */
function scatteredSpec(datatype: Tensor["datatype"], outputDims: number[]): BatchSpec {
  return {
    maxBatchSize: 8,
    states: [],
    inputs: [tensorSpec("x", datatype, [-1], { join: { kind: "flat" } })],
    outputs: [tensorSpec("y", datatype, outputDims, { join: { kind: "scattered", source: 0 } })],
  };
}

describe("scatterBatch of ragged batches", () => {
  it("gives each request as many elements as its input has (row 126)", () => {
    const both = [send([uint8("x", [1, 2], 1, 2)]), send([uint8("x", [2, 3], 3, 4, 5, 6, 7, 8)])];
    runIdentity(scatteredSpec("UINT8", [-1]), both);
    const outputs = both.map(({ sink }) => sink.responses[0]!.outputs[0]!);
    assert.deepEqual(
      outputs.map(({ shape, data }) => [shape, [...data]]),
      [
        [
          [1, 2],
          [1, 2],
        ],
        [
          [2, 3],
          [3, 4, 5, 6, 7, 8],
        ],
      ],
    );
  });

  it("counts the elements of BYTES", () => {
    const text = (...words: string[]): Tensor =>
      new Tensor("x", "BYTES", [1, words.length], joinBytesElements(words.map((word) => Buffer.from(word))));
    const both = [send([text("a", "bcd")]), send([text("")]), send([text("ef", "g", "hij")])];
    const sentBytes = both.map(({ request }) => [...request.inputs[0]!.data]);
    runIdentity(scatteredSpec("BYTES", [-1]), both);
    assert.deepEqual(
      both.map(({ sink }) => [...sink.responses[0]!.outputs[0]!.data]),
      sentBytes,
    );
  });

  it("keeps the fixed dimensions of the output", () => {
    const both = [send([uint8("x", [1, 2], 1, 2)]), send([uint8("x", [1, 4], 3, 4, 5, 6)])];
    runIdentity(scatteredSpec("UINT8", [-1, 1]), both);
    assert.deepEqual(
      both.map(({ sink }) => sink.responses[0]!.outputs[0]!.shape),
      [
        [1, 2, 1],
        [1, 4, 1],
      ],
    );
  });
});
