import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { layOut } from "../../../../perf_analyzer/shared-memory/shared-layout.ts";
import { SharedOutputReader } from "../../../../perf_analyzer/shared-memory/shared-output-reader.ts";
import { modelFixture, tensor } from "../model-fixture.ts";

const input = (byteLength: number) => ({
  name: "A",
  datatype: "UINT8" as const,
  shape: [byteLength],
  data: new Uint8Array(byteLength),
});
const plan = {
  contents: [
    { inputs: [input(100), input(3)], expected: null },
    { inputs: [input(64)], expected: null },
  ],
  streams: [[0, 1]],
};
const model = modelFixture({
  outputs: [tensor("F", "FP32", [2, 3]), tensor("S", "BYTES", [2]), tensor("V", "INT8", [-1])],
});
const options = { batchSize: 2, outputBytes: 1_000, laneCount: 3, prefix: "p" };

describe("layOut", () => {
  const layout = layOut(plan, model, options);

  it("lays tensors behind each other, aligned, without an overlap", () => {
    assert.deepEqual(
      layout.inputs.flat().map(({ offset, byteSize }) => [offset, byteSize]),
      [
        [0, 100],
        [128, 3],
        [192, 64],
      ],
    );
    assert.deepEqual(layout.input, { name: "p-in", key: "/p-in", byteLength: 256 });
    const places = layout.outputs.flat();
    places.slice(1).forEach(({ offset }, i) => {
      const previous = places[i]!;
      assert.ok(offset >= previous.offset + previous.byteSize && offset % 64 === 0);
    });
    const last = places.at(-1)!;
    assert.equal(layout.output.byteLength, last.offset + last.byteSize);
  });

  it("takes an output's size from the model, or the option where the model does not tell", () => {
    assert.deepEqual(
      layout.outputs[0]?.map(({ byteSize }) => byteSize),
      [48, 2_000, 2_000],
    );
    assert.equal(layout.outputs.length, 3);
  });
});

describe("SharedOutputReader", () => {
  const layout = layOut(plan, model, options);
  const bytes = new Uint8Array(layout.output.byteLength);
  const reader = new SharedOutputReader(bytes, ["F", "S", "V"], layout.outputs);
  const place = (lane: number, output: number) => layout.outputs[lane]![output]!;

  it("copies the bytes of the lane's output", () => {
    bytes.fill(5, place(1, 2).offset, place(1, 2).offset + 4);
    const found = reader.lane(1)("V", "INT8", [4]);
    assert.deepEqual([...found], [5, 5, 5, 5]);
    bytes.fill(6, place(1, 2).offset, place(1, 2).offset + 4);
    assert.deepEqual([...found], [5, 5, 5, 5], "later requests do not change it");
    assert.deepEqual([...reader.lane(0)("V", "INT8", [1])], [0]);
  });

  it("finds the end of BYTES by their lengths", () => {
    const { offset } = place(2, 1);
    bytes.set([2, 0, 0, 0, 65, 66, 1, 0, 0, 0, 67, 99], offset);
    assert.deepEqual([...reader.lane(2)("S", "BYTES", [2])], [2, 0, 0, 0, 65, 66, 1, 0, 0, 0, 67]);
  });

  it("refuses outputs that are not there or do not fit", () => {
    assert.throws(() => reader.lane(0)("X", "INT8", [1]), /output "X" .* not in shared memory/);
    assert.throws(
      () => reader.lane(0)("V", "INT8", [3_000]),
      /has 3000 bytes, but its shared memory only 2000/,
    );
    bytes.set([255, 255, 0, 0], place(0, 1).offset);
    assert.throws(() => reader.lane(0)("S", "BYTES", [1]), /only 2000/);
  });
});
