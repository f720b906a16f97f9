import assert from "node:assert/strict";
import type { Tensor } from "@tensorflow/tfjs-core";
import { before, describe, it } from "mocha";
import { resizeBicubic } from "../../../../../backends/tensorflow/engine/resize-bicubic.ts";
import { startEngine } from "../../../../../backends/tensorflow/engine/tensorflow-engine.ts";
import { tf } from "../../../../../backends/tensorflow/engine/tensorflow-js.ts";

const modes = [
  { align_corners: false, half_pixel_centers: true },
  { align_corners: false, half_pixel_centers: false },
  { align_corners: true, half_pixel_centers: false },
];

function resized(images: Tensor, size: [number, number], attrs: object): number[] {
  return tf.tidy(() => {
    const node = { inputs: [images, tf.tensor1d(size, "int32")], attrs: { ...attrs } };
    return Array.from(resizeBicubic(node).dataSync(), (value) => Math.round(value * 1e5) / 1e5);
  });
}

describe("resizeBicubic", () => {
  before(async () => startEngine("wasm"));

  for (const mode of modes) {
    it(`leaves images of the wanted size and plain ones as they are: ${JSON.stringify(mode)}`, () => {
      const values = Array.from({ length: 2 * 3 * 4 * 2 }, (_, i) => (i * 7) % 11);
      const images = tf.tensor4d(values, [2, 3, 4, 2], "int32");
      assert.deepEqual(resized(images, [3, 4], mode), values);
      const plain = tf.fill([1, 3, 4, 1], 5);
      assert.deepEqual(resized(plain, [7, 2], mode), new Array<number>(14).fill(5));
      tf.dispose([images, plain]);
    });
  }

  it("keeps the corners where they are when they are aligned", () => {
    const row = tf.tensor4d([1, 4, 2, 9], [1, 1, 4, 1]);
    const values = resized(row, [1, 7], modes[2]!);
    assert.deepEqual([values[0], values[2], values[4], values[6]], [1, 4, 2, 9]);
    row.dispose();
  });

  it("has the cubic's weights halfway between two pixels", () => {
    const row = tf.tensor4d([0, 0, 1, 0, 0, 0], [1, 1, 6, 1]);
    // Without half-pixel centers the places are 0, 0.5, 1 …, and the cubic is TensorFlow's older, sharper one.
    const values = resized(row, [1, 12], modes[1]!);
    assert.deepEqual(values.slice(1, 9), [-0.09375, 0, 0.59375, 1, 0.59375, 0, -0.09375, 0]);
    row.dispose();
  });
});
