import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ortBinding, type OrtSession } from "../../../../backends/onnxruntime/ort-binding.ts";
import { sumDifferenceModel } from "../../../../tools/onnx-builder/model-zoo.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

/** The binding is internal to its package: these tests fail when another version of it works differently. */
describe("ort-binding", () => {
  const directory = useTestDirectory();

  function loadSum(): OrtSession {
    const session = new (ortBinding().InferenceSession)();
    session.loadModel(directory.write(sumDifferenceModel("FP32", 2), "sum.onnx"), {
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
    return session;
  }

  function fp32(...values: number[]) {
    return { type: "float32", data: Float32Array.from(values), dims: [1, 2], location: "cpu" } as const;
  }

  it("is loaded once", () => {
    assert.equal(ortBinding(), ortBinding());
  });

  it("lists the CPU among its backends", () => {
    const names = ortBinding()
      .listSupportedBackends()
      .map(({ name }) => name);
    assert.ok(names.includes("cpu"), names.join());
  });

  it("tells names, element types and shapes, -1 for what varies", () => {
    const session = loadSum();
    const shown = ({ name, isTensor, type, shape }: OrtSession["inputMetadata"][number]): unknown => ({
      name,
      isTensor,
      type,
      shape,
    });
    assert.deepEqual(session.inputMetadata.map(shown), [
      { name: "INPUT0", isTensor: true, type: 1, shape: [-1, 2] },
      { name: "INPUT1", isTensor: true, type: 1, shape: [-1, 2] },
    ]);
    assert.deepEqual(
      session.outputMetadata.map(({ name }) => name),
      ["OUTPUT0", "OUTPUT1"],
    );
    session.dispose();
  });

  it("runs synchronously, and computes only what is fetched", () => {
    const session = loadSum();
    const results = session.run({ INPUT0: fp32(1, 2), INPUT1: fp32(10, 20) }, { OUTPUT1: null }, {});
    assert.deepEqual(Object.keys(results), ["OUTPUT1"]);
    assert.deepEqual(results["OUTPUT1"]?.data, Float32Array.of(-9, -18));
    assert.deepEqual(results["OUTPUT1"].dims, [1, 2]);
    session.dispose();
  });

  it("writes an output into the memory that it is given", () => {
    const session = loadSum();
    const place = fp32(0, 0);
    session.run({ INPUT0: fp32(1, 2), INPUT1: fp32(10, 20) }, { OUTPUT0: place }, {});
    assert.deepEqual(place.data, Float32Array.of(11, 22));
    session.dispose();
  });

  it("refuses memory of another size, in words that the instance looks for", () => {
    const session = loadSum();
    const place = { ...fp32(0, 0, 0, 0), dims: [2, 2] };
    const run = (): unknown =>
      session.run({ INPUT0: fp32(1, 2), INPUT1: fp32(3, 4) }, { OUTPUT0: place }, {});
    assert.throws(run, /pre-allocated output/);
    session.dispose();
  });

  it("throws for a file that is not there", () => {
    assert.throws(
      () => new (ortBinding().InferenceSession)().loadModel(directory.in("none.onnx"), {}),
      /none\.onnx/,
    );
  });
});
