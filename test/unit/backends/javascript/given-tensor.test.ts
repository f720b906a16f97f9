import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { toCallInput, toOutput } from "../../../../backends/javascript/given-tensor.ts";
import type { CallInput, OutputValue } from "../../../../backends/javascript/javascript-model.ts";
import { ReceivedTensor } from "../../../../backends/javascript/received-tensor.ts";
import { tensorSpec } from "../../../helpers/tensor-spec.ts";

const shapeOf = (dims: number[], value: OutputValue, batchSize: number | null = null) =>
  toOutput(tensorSpec("OUT", "UINT8", dims), value, batchSize).shape;

describe("toOutput", () => {
  it("infers the shape where there is only one", () => {
    assert.deepEqual(shapeOf([3], [1, 2, 3]), [3]);
    assert.deepEqual(shapeOf([-1], [1, 2, 3]), [3]);
    assert.deepEqual(shapeOf([2, -1], new Uint8Array(6)), [2, 3]);
    assert.deepEqual(shapeOf([2, -1], new Uint8Array(12), 3), [3, 2, 2]);
    assert.deepEqual(shapeOf([-1, -1], { data: [1, 2], shape: [1, 2] }), [1, 2]);
    assert.deepEqual(shapeOf([], 7), []);
  });

  it("asks for a shape where there are several or none", () => {
    const message = /^output 'OUT' of 2 elements needs a shape: the model configuration says dims/;
    assert.throws(() => shapeOf([-1, -1], [1, 2]), { message });
    assert.throws(() => shapeOf([3, -1], [1, 2]), { message });
    assert.throws(() => shapeOf([-1], { bytes: new Uint8Array(2) }), {
      message: /^output 'OUT' needs a shape/,
    });
  });

  it("takes bytes in wire form", () => {
    const { data, shape } = toOutput(
      tensorSpec("OUT", "FP32", [1]),
      { bytes: Buffer.from([0, 0, 128, 63]) },
      null,
    );
    assert.deepEqual([[...data], shape, Buffer.isBuffer(data)], [[0, 0, 128, 63], [1], false]);
    assert.throws(
      () => toOutput(tensorSpec("OUT", "FP32", [1]), { bytes: [1] as never }, null),
      /bytes must be a Uint8Array/,
    );
    assert.throws(() => toOutput(tensorSpec("OUT", "FP32", [1]), {}, null), /neither data nor bytes/);
  });

  it("moves memory only when it may, and never a part of somebody else's", () => {
    const canTransfer = (value: OutputValue) =>
      toOutput(tensorSpec("OUT", "UINT8", [-1]), value, null).canTransfer;
    assert.equal(canTransfer(new Uint8Array(8)), false);
    assert.equal(canTransfer({ data: new Uint8Array(8), transfer: true }), true);
    assert.equal(canTransfer({ data: new Uint8Array(new ArrayBuffer(16), 0, 8), transfer: true }), false);
    assert.equal(canTransfer(new Array<number>(5_000).fill(1)), true);
  });

  it("keeps the type of a tensor that is passed on", () => {
    const tensor = new ReceivedTensor({ name: "IN", datatype: "FP32", shape: [1], data: new Uint8Array(4) });
    assert.deepEqual(toOutput(tensorSpec("OUT", "UINT8", [-1]), tensor, null).datatype, "FP32");
  });
});

describe("toCallInput", () => {
  it("takes a tensor that came in as it is", () => {
    const tensor = new ReceivedTensor({ name: "X", datatype: "FP32", shape: [1], data: new Uint8Array(4) });
    const { name, datatype, shape, data } = toCallInput("IN", tensor);
    assert.deepEqual([name, datatype, shape, data.buffer], ["IN", "FP32", [1], tensor.bytes.buffer]);
  });

  it("needs a datatype and a shape", () => {
    const input = { datatype: "FP23", shape: [1], data: [1] } as unknown as CallInput;
    assert.throws(() => toCallInput("IN", input), { message: "input 'IN': unknown datatype 'FP23'" });
    const shapeless = { datatype: "FP32", data: [1] } as unknown as CallInput;
    assert.throws(() => toCallInput("IN", shapeless), { message: "input 'IN' has no shape" });
  });
});
