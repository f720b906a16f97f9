import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { startEngine } from "../../../../../backends/tensorflow/engine/tensorflow-engine.ts";
import { tf } from "../../../../../backends/tensorflow/engine/tensorflow-js.ts";
import { wrapKernel } from "../../../../../backends/tensorflow/engine/wrapped-kernel.ts";
import { Draw, type KernelCase } from "../../../../helpers/kernel-case.ts";
import { kernelCases } from "../../../../helpers/kernel-cases.ts";

interface Computed {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

function compute(kernelCase: KernelCase, seed: number): Computed[] {
  return tf.tidy(() =>
    [kernelCase.run(new Draw(seed))].flat().map((tensor) => ({
      dtype: tensor.dtype,
      shape: tensor.shape,
      values: Array.from(tensor.dataSync() as Float32Array),
    })),
  );
}

/** Sums in another order and SIMD approximations differ by as much. */
const tolerance = 1e-4;

function assertAgree(actual: readonly Computed[], expected: readonly Computed[], name: string): void {
  assert.equal(actual.length, expected.length, name);
  for (const [i, { dtype, shape, values }] of expected.entries()) {
    const other = actual[i]!;
    assert.deepEqual([other.dtype, other.shape], [dtype, shape], name);
    const at = values.findIndex((value, k) => !isClose(other.values[k]!, value));
    assert.equal(at, -1, `${name}: element ${at} is ${other.values[at]}, on the CPU engine ${values[at]}`);
  }
}

function isClose(a: number, b: number): boolean {
  return a === b || Object.is(a, b) || Math.abs(a - b) <= tolerance * (0.1 + Math.abs(b));
}

/** Gradients, randomness, strings, sizes alone, pictures of a browser, and what only training layers have. */
const notCompared =
  /Grad$|Backprop(Filter|Input)V?2?$|^Multinomial$|^String|^FlipLeftRight$|^RotateWithOffset$/;

describe("Kernels of the WASM engine", () => {
  const kernels = new Map<string, { kernelCase: KernelCase; seed: number }[]>();
  for (const [i, kernelCase] of kernelCases.entries()) {
    const [kernel = ""] = kernelCase.name.split(" ");
    kernels.set(kernel, [...(kernels.get(kernel) ?? []), { kernelCase, seed: i + 1 }]);
  }
  const called = new Set<string>();
  let published: readonly string[];

  before(async () => {
    await startEngine("cpu");
    await startEngine("wasm");
    published = tf.getKernelsForBackend("wasm").map(({ kernelName }) => kernelName);
    for (const kernelName of published) {
      wrapKernel(kernelName, "wasm", (call, kernel) => {
        called.add(kernelName);
        return kernel(call);
      });
    }
  });

  for (const [kernel, list] of kernels) {
    it(`agree with those of the CPU engine: ${kernel} in ${list.length} case(s)`, async () => {
      await startEngine("cpu");
      const expected = list.map(({ kernelCase, seed }) => compute(kernelCase, seed));
      await startEngine("wasm");
      const before = tf.memory().numTensors;
      for (const [i, { kernelCase, seed }] of list.entries()) {
        // Twice: what writes beyond a tensor's memory shows only later.
        for (let round = 0; round < 2; round++)
          assertAgree(compute(kernelCase, seed), expected[i]!, kernelCase.name);
      }
      assert.equal(tf.memory().numTensors, before);
    });
  }

  it("are all compared, those that the CPU engine runs anyway aside", () => {
    const onCpu = new Set(
      "Complex ComplexAbs FFT IFFT Real Imag Draw FromPixels BroadcastTo LogSoftmax LogicalXor LowerBound MatrixBandPart Pool RaggedGather RaggedRange RaggedTensorToTensor StaticRegexReplace UpperBound".split(
        " ",
      ),
    );
    const missing = published.filter(
      (name) => !called.has(name) && !notCompared.test(name) && !onCpu.has(name),
    );
    assert.deepEqual(missing, []);
  });
});
