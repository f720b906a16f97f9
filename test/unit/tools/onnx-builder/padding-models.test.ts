import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Tensor } from "onnxruntime-node";
import {
  encoderModel,
  everySecondModel,
  maskedMeanModel,
} from "../../../../tools/onnx-builder/padding-models.ts";
import { runModel } from "./run-model.ts";

function valuesOf(tensor: unknown): number[] {
  assert.ok(tensor instanceof Tensor);
  return [...(tensor.data as Float32Array)];
}

function int64(rows: readonly (readonly number[])[]): Tensor {
  const values = rows.flatMap((row) => row.map((value) => BigInt(value)));
  return new Tensor("int64", BigInt64Array.from(values), [rows.length, rows[0]?.length ?? 0]);
}

describe("maskedMeanModel", () => {
  it("leaves padding out of the means", async () => {
    const { MEAN, OUTPUT0 } = await runModel(maskedMeanModel(), {
      INPUT0: new Tensor("float32", Float32Array.of(1, 3, 99, 2, 4, 99, 5, 7, 99), [1, 3, 3]),
      MASK: new Tensor("float32", Float32Array.of(1, 1, 0), [1, 3]),
    });
    assert.deepEqual(valuesOf(MEAN), [2, 3, 6]);
    assert.deepEqual(valuesOf(OUTPUT0).slice(0, 3), [-1, 1, 97]);
  });
});

describe("everySecondModel", () => {
  it("gives every second element", async () => {
    const INPUT0 = new Tensor("float32", Float32Array.of(1, 2, 3), [1, 3]);
    assert.deepEqual(valuesOf((await runModel(everySecondModel(), { INPUT0 }))["OUTPUT0"]), [1, 3]);
  });
});

describe("encoderModel", () => {
  const model = encoderModel({
    vocabularySize: 20,
    width: 8,
    headCount: 2,
    layerCount: 2,
    maxLength: 6,
    seed: 5,
  });

  it("gives a masked row what it gives without its padding", async () => {
    const alone = await runModel(model, { INPUT_IDS: int64([[3, 4]]), ATTENTION_MASK: int64([[1, 1]]) });
    const padded = await runModel(model, {
      INPUT_IDS: int64([
        [3, 4, 0, 0],
        [5, 6, 7, 8],
      ]),
      ATTENTION_MASK: int64([
        [1, 1, 0, 0],
        [1, 1, 1, 1],
      ]),
    });
    const close = (actual: number[], expected: number[]): void => {
      assert.equal(actual.length, expected.length);
      for (const [i, value] of expected.entries()) assert.ok(Math.abs(value - actual[i]!) < 1e-5);
    };
    close(valuesOf(padded["POOLED"]).slice(0, 8), valuesOf(alone["POOLED"]));
    close(valuesOf(padded["HIDDEN"]).slice(0, 16), valuesOf(alone["HIDDEN"]));
  });

  it("takes every token into account", async () => {
    const pooled = async (ids: number[]): Promise<number[]> => {
      const mask = ids.map(() => 1);
      const outputs = await runModel(model, { INPUT_IDS: int64([ids]), ATTENTION_MASK: int64([mask]) });
      return valuesOf(outputs["POOLED"]);
    };
    assert.notDeepEqual(await pooled([3, 4, 5]), await pooled([3, 4, 6]));
    assert.notDeepEqual(await pooled([3, 4, 5]), await pooled([4, 3, 5]));
  });
});
