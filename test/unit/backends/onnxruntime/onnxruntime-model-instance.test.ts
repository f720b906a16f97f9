import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type {
  BatchOutputs,
  BatchSpec,
  ModelInstance,
  ModelInstanceInit,
} from "../../../../backends/backend.ts";
import { createModelInstance } from "../../../../backends/onnxruntime/onnxruntime-model-instance.ts";
import type { OnnxRuntimeOptions } from "../../../../backends/onnxruntime/onnxruntime-options.ts";
import { FrameBatch, FrameLayout } from "../../../../backends/worker/batch-frame.ts";
import { FramePool } from "../../../../backends/worker/frame-pool.ts";
import { gatherBatch } from "../../../../backends/worker/gather.ts";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import { dataTypeByteSize, dataTypes } from "../../../../server/core/data-type.ts";
import type { Failure } from "../../../../server/core/status.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import * as zoo from "../../../../tools/onnx-builder/model-zoo.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";
import { identitySpec, tensorSpec } from "../../../helpers/tensor-spec.ts";

const options: OnnxRuntimeOptions = {
  interOpThreadCount: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  isMemoryArenaEnabled: null,
  isMemoryPatternEnabled: null,
};

interface Output {
  readonly how: "placed" | "produced";
  readonly shape: number[];
  readonly data: Uint8Array;
}

/** What one execution gave, by output position. */
interface Outcome {
  readonly failed: Failure | null;
  readonly outputs: Map<number, Output>;
  readonly marks: string[];
}

/** Runs one request, as the instance's worker would. */
function run(instance: ModelInstance, spec: BatchSpec, inputs: Tensor[], outputMask = -1): Outcome {
  const layout = new FrameLayout(spec);
  const { request } = makeRequest({
    inputs,
    batchSize: spec.maxBatchSize > 0 ? (inputs[0]?.shape[0] ?? 1) : 1,
  });
  request.outputMask = outputMask;
  const batch = new FrameBatch(layout, gatherBatch([request], layout, new FramePool(1)).buffer);
  const outputs = new Map<number, Output>();
  const marks: string[] = [];
  const sink: BatchOutputs = {
    placed: (index, shape) => {
      const place = batch.placeFor(index)!;
      const data = new Uint8Array(batch.buffer, place.byteOffset, place.byteLength);
      outputs.set(index, { how: "placed", shape: [...shape], data });
    },
    produced: (index, shape, data) => outputs.set(index, { how: "produced", shape: [...shape], data }),
    markInputEnd: () => marks.push("input end"),
    markOutputStart: () => marks.push("output start"),
  };
  const failed = instance.execute(batch, sink);
  assert.ok(!(failed instanceof Promise));
  return { failed, outputs, marks };
}

describe("OnnxRuntimeModelInstance", () => {
  const directory = useTestDirectory();

  function load(model: Uint8Array, parts: Partial<ModelInstanceInit> = {}): ModelInstance {
    const instance = createModelInstance({
      modelName: "m",
      modelVersion: "1",
      instanceName: "m_0",
      modelPath: directory.write(model, "1", "model.onnx"),
      kind: "KIND_CPU",
      deviceId: -1,
      threadCount: 1,
      options,
      ...parts,
    });
    assert.ok(!(instance instanceof Promise));
    return instance;
  }

  /** Loads a model, binds it and runs it once. */
  function runOnce(model: Uint8Array, spec: BatchSpec, inputs: Tensor[], outputMask = -1): Outcome {
    const instance = load(model);
    instance.bind(spec);
    const outcome = run(instance, spec, inputs, outputMask);
    void instance.finalize();
    return outcome;
  }

  for (const datatype of dataTypes.filter((type) => type !== "BF16" && type !== "BYTES")) {
    it(`carries ${datatype} bit by bit, into the place in the frame`, () => {
      const byteLength = 2 * 4 * dataTypeByteSize[datatype];
      const data = Uint8Array.from({ length: byteLength }, (_, i) => (datatype === "BOOL" ? i % 2 : i * 37));
      const spec = identitySpec(datatype, [4]);
      const outcome = runOnce(zoo.identityModel(datatype, ["batch", 4]), spec, [
        new Tensor("INPUT0", datatype, [2, 4], data),
      ]);
      assert.equal(outcome.failed, null);
      assert.deepEqual(outcome.outputs.get(0), { how: "placed", shape: [2, 4], data });
      assert.deepEqual(outcome.marks, ["input end", "output start"]);
    });
  }

  it("carries BYTES as strings", () => {
    const data = joinBytesElements(["", "ß", "\uFEFF😀"].map((text) => new TextEncoder().encode(text)));
    const outcome = runOnce(zoo.identityModel("BYTES", ["batch", 3]), identitySpec("BYTES", [3]), [
      new Tensor("INPUT0", "BYTES", [1, 3], data),
    ]);
    assert.deepEqual(outcome.outputs.get(0), { how: "produced", shape: [1, 3], data });
  });

  it("carries batches without rows", () => {
    const outcome = runOnce(zoo.identityModel("FP32", ["batch", 4]), identitySpec("FP32", [4]), [
      fp32Tensor("INPUT0", [0, 4], []),
    ]);
    assert.equal(outcome.failed, null);
    assert.deepEqual(outcome.outputs.get(0)?.shape, [0, 4]);
    assert.equal(outcome.outputs.get(0)?.data.byteLength, 0);
  });

  it("carries scalars", () => {
    const spec: BatchSpec = {
      maxBatchSize: 0,
      states: [],
      inputs: [tensorSpec("INPUT0", "FP32", [], { wireDims: [1] })],
      outputs: [tensorSpec("OUTPUT0", "FP32", [], { wireDims: [1] })],
    };
    const output = runOnce(zoo.scalarModel(), spec, [fp32Tensor("INPUT0", [1], [2.5])]).outputs.get(0);
    assert.deepEqual(output?.shape, []);
    assert.deepEqual(output.data, fp32Tensor("", [], [-2.5]).data);
  });

  it("gives outputs whose size is known only after the run, empty ones included", () => {
    const instance = load(zoo.dynamicOutputModel());
    const spec: BatchSpec = {
      maxBatchSize: 0,
      states: [],
      inputs: [tensorSpec("INPUT0", "FP32", [-1])],
      outputs: [tensorSpec("OUTPUT0", "INT64", [1, -1])],
    };
    instance.bind(spec);
    const found = run(instance, spec, [fp32Tensor("INPUT0", [4], [0, 5, 0, 7])]).outputs.get(0);
    assert.equal(found?.how, "produced");
    assert.deepEqual(found.shape, [1, 2]);
    assert.deepEqual(Uint8Array.from(found.data), new Uint8Array(BigInt64Array.of(1n, 3n).buffer));
    const none = run(instance, spec, [fp32Tensor("INPUT0", [2], [0, 0])]).outputs.get(0);
    assert.deepEqual(none?.shape, [1, 0]);
    assert.equal(none.data.byteLength, 0);
    void instance.finalize();
  });

  it("computes only the outputs that are wanted", () => {
    const spec: BatchSpec = {
      maxBatchSize: 8,
      states: [],
      inputs: ["INPUT0", "INPUT1"].map((name) => tensorSpec(name, "FP32", [2])),
      outputs: ["OUTPUT0", "OUTPUT1"].map((name) => tensorSpec(name, "FP32", [2])),
    };
    const inputs = [fp32Tensor("INPUT0", [1, 2], [1, 2]), fp32Tensor("INPUT1", [1, 2], [10, 20])];
    const { outputs } = runOnce(zoo.sumDifferenceModel("FP32", 2), spec, inputs, 0b10);
    assert.deepEqual([...outputs.keys()], [1]);
    assert.deepEqual(outputs.get(1)?.data, fp32Tensor("", [], [-9, -18]).data);
  });

  it("goes on without places when the model's outputs are not of the configured size", () => {
    const instance = load(zoo.identityModel("FP32", ["batch", "length"]));
    const spec: BatchSpec = { ...identitySpec("FP32", [3]), outputs: [tensorSpec("OUTPUT0", "FP32", [4])] };
    instance.bind(spec);
    for (let i = 0; i < 2; i++) {
      const input = fp32Tensor("INPUT0", [1, 3], [1, 2, i]);
      const { failed, outputs } = run(instance, spec, [input]);
      assert.equal(failed, null);
      assert.deepEqual(outputs.get(0)?.how, "produced");
      assert.deepEqual(outputs.get(0)?.shape, [1, 3]);
      assert.deepEqual(Uint8Array.from(outputs.get(0)!.data), input.data);
    }
    void instance.finalize();
  });

  it("fails a batch that the runtime fails, in its words, and runs the next one", () => {
    const instance = load(zoo.failingModel());
    const spec: BatchSpec = {
      maxBatchSize: 4,
      states: [],
      inputs: [tensorSpec("INPUT0", "INT64", [1])],
      outputs: [tensorSpec("OUTPUT0", "FP32", [1])],
    };
    instance.bind(spec);
    const index = (value: bigint): Tensor[] => [
      new Tensor("INPUT0", "INT64", [1, 1], new Uint8Array(BigInt64Array.of(value).buffer)),
    ];
    const { failed, outputs } = run(instance, spec, index(9n));
    assert.equal(failed?.code, "INTERNAL");
    assert.match(failed.message, /^onnx runtime error: .*out of data bounds/s);
    assert.equal(outputs.size, 0);
    const after = run(instance, spec, index(3n));
    assert.equal(after.failed, null);
    assert.deepEqual(after.outputs.get(0)?.data, fp32Tensor("", [], [30]).data);
    void instance.finalize();
  });

  it("declares the model's own inputs and outputs", () => {
    const instance = load(zoo.sumDifferenceModel("INT32", 16));
    const { inputs, outputs } = instance.signature;
    assert.deepEqual(inputs[1], { name: "INPUT1", datatype: "INT32", modelType: "int32", shape: [-1, 16] });
    assert.deepEqual(
      outputs.map(({ name }) => name),
      ["OUTPUT0", "OUTPUT1"],
    );
    void instance.finalize();
  });

  it("cannot be made from a file that is missing or corrupt, and names it", () => {
    const missing = directory.in("1", "nothing.onnx");
    assert.throws(
      () => load(new Uint8Array(), { modelPath: missing }),
      (error: Error) => error.message.includes(missing),
    );
    assert.throws(() => load(Uint8Array.of(1, 2, 3)), {
      name: "StatusError",
      code: "INTERNAL",
      message: /model\.onnx/,
    });
  });

  it("says of KIND_GPU what each way lacks when there is no such GPU", () => {
    assert.throws(() => load(zoo.identityModel("FP32"), { kind: "KIND_GPU", deviceId: 99 }), {
      code: "INVALID_ARG",
      message:
        /^instance group of 'm_0' is KIND_GPU, but GPU 99 cannot be used\. CUDA: .*WebGPU: .*use KIND_CPU$/s,
    });
  });
});
