import type { Tensor } from "@tensorflow/tfjs-core";
import { input, type OperationNode } from "./operation-node.ts";
import { tf } from "./tensorflow-js.ts";

/** TensorFlow looks its coefficients up in a table of as many steps between two pixels. */
const stepCount = 1024;

/** The cubic's coefficients of TensorFlow's kernel: Keys' with half-pixel centers, a sharper one without. */
const sharpness = { halfPixel: -0.5, legacy: -0.75 } as const;

/** How a dimension is sampled. */
interface Sampling {
  readonly alignsCorners: boolean;
  readonly hasHalfPixelCenters: boolean;
}

/** `ResizeBicubic`: each dimension by a matrix of weights. Gives FP32, as TensorFlow does. */
export function resizeBicubic(node: OperationNode): Tensor {
  const images = tf.cast(input(node, 0), "float32");
  const [batch = 0, height = 0, width = 0, depth = 0] = images.shape;
  const [outHeight = 0, outWidth = 0] = input(node, 1).dataSync();
  const sampling = {
    alignsCorners: node.attrs["align_corners"] === true,
    hasHalfPixelCenters: node.attrs["half_pixel_centers"] === true,
  };
  const rows = weightMatrix(height, outHeight, sampling);
  const columns = weightMatrix(width, outWidth, sampling);
  const higher = tf.matMul(rows, tf.reshape(images, [batch, height, width * depth]));
  const wider = tf.matMul(columns, tf.reshape(higher, [batch * outHeight, width, depth]));
  return tf.reshape(wider, [batch, outHeight, outWidth, depth]);
}

/** [1, to, from]: what each pixel of a dimension takes from the old ones. */
function weightMatrix(from: number, to: number, sampling: Sampling): Tensor {
  const weights = new Float32Array(to * from);
  const scale = sampling.alignsCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  for (let out = 0; out < to; out++) {
    const row = weights.subarray(out * from, (out + 1) * from);
    const place = sampling.hasHalfPixelCenters ? (out + 0.5) * scale - 0.5 : out * scale;
    addTaps(row, place, sampling.hasHalfPixelCenters);
  }
  return tf.tensor3d(weights, [1, to, from]);
}

/** The four pixels around a place. With half-pixel centers those beyond the border do not count, else the border does. */
function addTaps(row: Float32Array, place: number, hasHalfPixelCenters: boolean): void {
  const first = Math.floor(place);
  const step = Math.round((place - first) * stepCount) / stepCount;
  const a = hasHalfPixelCenters ? sharpness.halfPixel : sharpness.legacy;
  const taps = [farWeight(step, a), nearWeight(step, a), nearWeight(1 - step, a), farWeight(1 - step, a)];
  let sum = 0;
  for (const [i, weight] of taps.entries()) {
    const at = first - 1 + i;
    const bounded = Math.min(Math.max(at, 0), row.length - 1);
    if (hasHalfPixelCenters && at !== bounded) continue;
    row[bounded] = (row[bounded] ?? 0) + weight;
    sum += weight;
  }
  if (hasHalfPixelCenters && sum !== 0) for (const [i, weight] of row.entries()) row[i] = weight / sum;
}

/** The cubic between 0 and 1. */
function nearWeight(x: number, a: number): number {
  return ((a + 2) * x - (a + 3)) * x * x + 1;
}

/** The cubic between 1 and 2, for the distance beyond 1. */
function farWeight(beyond: number, a: number): number {
  const x = beyond + 1;
  return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}
