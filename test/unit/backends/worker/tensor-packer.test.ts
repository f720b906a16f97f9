import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { packedBytes, TensorPacker, unpackTensor } from "../../../../backends/worker/tensor-packer.ts";

const tensor = (name: string, ...bytes: number[]) =>
  ({ name, datatype: "UINT8", shape: [bytes.length], data: Uint8Array.from(bytes) }) as const;

describe("TensorPacker", () => {
  it("puts small tensors into one buffer, each at a multiple of 8", () => {
    const packer = new TensorPacker();
    const packed = [packer.add(tensor("A", 1, 2, 3)), packer.add(tensor("B", 4)), packer.add(tensor("C"))];
    const buffers = packer.take();
    assert.equal(buffers.length, 1);
    assert.deepEqual(
      packed.map(({ byteOffset, byteLength }) => [byteOffset, byteLength]),
      [
        [0, 3],
        [8, 1],
        [16, 0],
      ],
    );
    assert.deepEqual(
      packed.map((each) => [...unpackTensor(each, buffers).data]),
      [[1, 2, 3], [4], []],
    );
  });

  it("uses a buffer of just the size that was announced", () => {
    const tensors = [tensor("A", 1, 2, 3), tensor("B", 4, 5)];
    const packer = new TensorPacker(packedBytes(tensors));
    for (const each of tensors) packer.add(each);
    assert.deepEqual(
      packer.take().map(({ byteLength }) => byteLength),
      [16],
    );
  });

  it("gives a tensor that is larger than a page one of its own", () => {
    const packer = new TensorPacker();
    packer.add(tensor("A", 1));
    const large = packer.add({ ...tensor("B"), data: new Uint8Array(10_001).fill(7) });
    const buffers = packer.take();
    assert.equal(large.buffer, 1);
    assert.equal(unpackTensor(large, buffers).data.byteLength, 10_001);
  });

  it("copies, so that the source may be used again", () => {
    const source = tensor("A", 1, 2);
    const packer = new TensorPacker();
    const packed = packer.add(source);
    source.data.fill(9);
    assert.deepEqual([...unpackTensor(packed, packer.take()).data], [1, 2]);
  });

  it("moves buffers that may be moved, once each, and copies what is not aligned", () => {
    const shared = new ArrayBuffer(32);
    const packer = new TensorPacker();
    const first = packer.add({ ...tensor("A"), data: new Uint8Array(shared, 0, 8) }, true);
    const second = packer.add({ ...tensor("B"), data: new Uint8Array(shared, 16, 8) }, true);
    const crooked = packer.add({ ...tensor("C"), data: new Uint8Array(new ArrayBuffer(32), 3, 8) }, true);
    const buffers = packer.take();
    assert.equal(buffers[0], shared);
    assert.deepEqual([first.buffer, second.buffer, crooked.byteOffset % 8], [0, 0, 0]);
    assert.equal(buffers.length, 2);
  });

  it("starts anew after the buffers were taken", () => {
    const packer = new TensorPacker();
    packer.add(tensor("A", 1));
    packer.take();
    const packed = packer.add(tensor("B", 2));
    assert.deepEqual([packed.buffer, packed.byteOffset, packer.take().length], [0, 0, 1]);
    assert.deepEqual(packer.take(), []);
  });
});
