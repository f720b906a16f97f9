import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "mocha";
import { bytesToWire } from "../../backends/tensorflow/codec/bytes-tensor.ts";
import {
  createNativeInstance,
  NativeModelInstance,
} from "../../backends/tensorflow/native/native-model-instance.ts";
import { loadTensorFlowBinding } from "../../backends/tensorflow/native/tensorflow-binding.ts";
import type { TensorSignature } from "../../backends/backend.ts";
import type { TensorFlowOptions } from "../../backends/tensorflow/tensorflow-options.ts";
import { type DataType, dataTypes } from "../../server/core/data-type.ts";
import { installedNativeEngine, nativeRepository } from "../helpers/native-tensorflow.ts";
import { loadTensorFlow, runTensorFlow, type StoredTensor } from "../helpers/tensorflow-case.ts";

const native = installedNativeEngine();

async function load(model: string): Promise<NativeModelInstance> {
  const directory = path.join(nativeRepository, model, "1", "model.savedmodel");
  const instance = await loadTensorFlow(directory, { native });
  assert.ok(instance instanceof NativeModelInstance);
  return instance;
}

function tensor(datatype: DataType, shape: readonly number[], bytes: Uint8Array): StoredTensor {
  return { datatype, shape, data: Buffer.from(bytes).toString("base64") };
}

const strings = (...texts: string[]): Uint8Array => bytesToWire(texts.map((text) => Buffer.from(text)));
const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Two elements of each type, the largest and smallest of integers and others that no narrower type holds. */
const elements: Readonly<Record<Exclude<DataType, "BYTES">, readonly [Uint8Array, Uint8Array]>> = {
  BOOL: [Uint8Array.of(1), Uint8Array.of(0)],
  UINT8: [Uint8Array.of(255), Uint8Array.of(7)],
  UINT16: [bytesOf(Uint16Array.of(65_535)), bytesOf(Uint16Array.of(1))],
  UINT32: [bytesOf(Uint32Array.of(4_294_967_295)), bytesOf(Uint32Array.of(2))],
  UINT64: [bytesOf(BigUint64Array.of(2n ** 64n - 1n)), bytesOf(BigUint64Array.of(3n))],
  INT8: [bytesOf(Int8Array.of(-128)), bytesOf(Int8Array.of(127))],
  INT16: [bytesOf(Int16Array.of(-32_768)), bytesOf(Int16Array.of(5))],
  INT32: [bytesOf(Int32Array.of(-2_147_483_648)), bytesOf(Int32Array.of(6))],
  INT64: [bytesOf(BigInt64Array.of(-(2n ** 63n))), bytesOf(BigInt64Array.of(2n ** 53n + 1n))],
  FP16: [Uint8Array.of(0x01, 0x3c), Uint8Array.of(0xff, 0x7b)],
  FP32: [bytesOf(Float32Array.of(Math.PI)), bytesOf(Float32Array.of(-0))],
  FP64: [bytesOf(Float64Array.of(Math.PI)), bytesOf(Float64Array.of(5e-324))],
  BF16: [Uint8Array.of(0x81, 0x3f), Uint8Array.of(0x80, 0xff)],
};
const pair = ["first, and long enough not to lie inside TensorFlow's own structure", "ÿ"] as const;

function everyType(rows: number): Map<DataType, { readonly sent: Uint8Array; readonly swapped: Uint8Array }> {
  const repeat = (row: Uint8Array): Uint8Array => Buffer.concat(new Array<Uint8Array>(rows).fill(row));
  return new Map(
    dataTypes.map((datatype) => {
      const [a, b] = datatype === "BYTES" ? [strings(pair[0]), strings(pair[1])] : elements[datatype];
      return [
        datatype,
        { sent: repeat(Buffer.concat([a, b])), swapped: repeat(Buffer.concat([b, a])) },
      ] as const;
    }),
  );
}

describe("NativeModelInstance", () => {
  for (const rows of [0, 1, 3]) {
    it(`carries every data type of the protocol bit by bit, in and out, with ${rows} row(s)`, async () => {
      const instance = await load("every_type");
      assert.deepEqual(
        instance.signature.inputs.map(({ name, datatype }) => [name, datatype]),
        [...dataTypes].sort().map((name) => [name, name]),
      );
      const values = everyType(rows);
      const before = instance.liveTensorCount();
      const inputs = instance.signature.inputs.map(({ name }) =>
        tensor(name as DataType, [rows, 2], values.get(name as DataType)!.sent),
      );
      const outputs = await runTensorFlow(instance, inputs);
      for (const [datatype, { sent, swapped }] of values) {
        assert.deepEqual(outputs.get(`${datatype}_same`)?.shape, [rows, 2]);
        assert.deepEqual(Buffer.from(outputs.get(`${datatype}_same`)!.data), Buffer.from(sent), datatype);
        assert.deepEqual(
          Buffer.from(outputs.get(`${datatype}_swapped`)!.data),
          Buffer.from(swapped),
          datatype,
        );
      }
      assert.equal(instance.liveTensorCount(), before);
      instance.finalize();
    });
  }

  it("computes with 64 bits", async () => {
    const instance = await load("wide_numbers");
    const outputs = await runTensorFlow(instance, [
      tensor("INT64", [1, 1], bytesOf(BigInt64Array.of(2n ** 53n))),
      tensor("FP64", [1, 1], bytesOf(Float64Array.of(1))),
    ]);
    assert.deepEqual(
      Buffer.from(outputs.get("next")!.data),
      Buffer.from(BigInt64Array.of(2n ** 53n + 1n).buffer),
    );
    assert.deepEqual(Buffer.from(outputs.get("third")!.data), Buffer.from(Float64Array.of(1 / 3).buffer));
    instance.finalize();
  });

  it("gives a constant of the graph each time, and strings that came in as they were", async () => {
    const instance = await load("long_constant");
    const sent = strings("an input that is too long to lie inside the string's own structure");
    for (let turn = 0; turn < 3; turn++) {
      const outputs = await runTensorFlow(instance, [tensor("BYTES", [1, 1], sent)]);
      assert.deepEqual(
        Buffer.from(outputs.get("constant")!.data).toString("utf8", 4),
        "a constant that is too long to lie inside the string's own structure",
      );
      assert.deepEqual(Buffer.from(outputs.get("text_same")!.data), Buffer.from(sent));
    }
    instance.finalize();
  });

  it("keeps what a model keeps, whatever becomes of the request's memory", async () => {
    const instance = await load("previous_value");
    const value = (fill: number): StoredTensor =>
      tensor("FP32", [16], bytesOf(new Float32Array(16).fill(fill)));
    const before = async (fill: number): Promise<number> => {
      // Each run gets a buffer of its own, which is garbage afterwards.
      const { data } = (await runTensorFlow(instance, [value(fill)])).get("before")!;
      return new Float32Array(data.slice().buffer)[7]!;
    };
    assert.equal(await before(1), 0);
    for (let fill = 2; fill < 200; fill++) assert.equal(await before(fill), fill - 1);
    instance.finalize();
  });

  it("fails the batch with TensorFlow's words, keeps no tensor and goes on", async () => {
    const instance = await load("checked_root");
    const before = instance.liveTensorCount();
    const run = (value: number): ReturnType<typeof runTensorFlow> =>
      runTensorFlow(instance, [tensor("FP32", [1, 1], bytesOf(Float32Array.of(value)))]);
    await assert.rejects(run(-1), /tensorflow error: .*x must not be negative/s);
    assert.equal(instance.liveTensorCount(), before);
    const { data } = (await run(9)).get("root")!;
    assert.equal(new Float32Array(data.slice().buffer)[0], 3);
    instance.finalize();
  });

  it("keeps no memory of runs that fail", () => {
    // A session without without what JavaScript allocates for a batch: garbage would hide the 1 MB of an input.
    const binding = loadTensorFlowBinding(native.package.addonFile);
    const model = binding.loadSavedModel(
      path.join(nativeRepository, "checked_root", "1", "model.savedmodel"),
      "serve",
    );
    const values = new Float32Array(250_000).fill(-1);
    const fail = (times: number): number => {
      for (let i = 0; i < times; i++) {
        const id = binding.createTensor([values.length, 1], 1, values);
        // Kept alive by the run that fails, unless that lets go of it.
        const copy = binding.executeOp(
          "Neg",
          [{ name: "T", type: binding.TF_ATTR_TYPE, value: 1 }],
          [id],
          1,
        )[0]!;
        const again = binding.executeOp(
          "Neg",
          [{ name: "T", type: binding.TF_ATTR_TYPE, value: 1 }],
          [copy.id],
          1,
        )[0]!;
        assert.throws(
          () => binding.runSavedModel(model, [again.id], "serving_default_x:0", "StatefulPartitionedCall:0"),
          /must not be negative/,
        );
        for (const used of [id, copy.id, again.id]) binding.deleteTensor(used);
      }
      return process.memoryUsage().rss / 1e6;
    };
    const before = fail(20);
    const after = fail(200);
    assert.ok(after - before < 80, `${Math.round(after - before)} MB more after 200 failed runs`);
    binding.deleteSavedModel(model);
  });

  for (const [model, count] of [
    ["wide_numbers", 10_000],
    ["every_type", 2000],
  ] as const) {
    it(`keeps no tensor over ${count} batches of ${model}`, async function () {
      this.timeout(60_000);
      const instance = await load(model);
      const values = everyType(1);
      const inputs = instance.signature.inputs.map(({ datatype, shape }) => {
        const { sent } = values.get(datatype!)!;
        const bytes = shape?.[1] === 2 ? sent : sent.subarray(0, sent.byteLength / 2);
        return tensor(datatype!, [1, shape![1]!], bytes);
      });
      await runTensorFlow(instance, inputs);
      const before = instance.liveTensorCount();
      for (let i = 0; i < count; i++) await runTensorFlow(instance, inputs);
      assert.equal(instance.liveTensorCount(), before);
      instance.finalize();
    });
  }

  it("offers no type that an addon as published does not carry safely", () => {
    const instance = createNativeInstance({
      modelName: "every_type",
      modelVersion: "1",
      instanceName: "every_type_0",
      modelPath: path.join(nativeRepository, "every_type", "1", "model.savedmodel"),
      kind: "KIND_CPU",
      deviceId: -1,
      threadCount: 1,
      options: {
        engine: "wasm",
        native: { ...native, isRepaired: false },
        platform: "tensorflow_savedmodel",
        choice: { signatureName: "serving_default", tag: "serve" },
        configured: { inputs: [], outputs: [] },
      } satisfies TensorFlowOptions,
    });
    const carried = (tensors: readonly TensorSignature[]): string[] =>
      tensors.filter(({ datatype }) => datatype !== null).map(({ name }) => name.replace("_same", ""));
    const { inputs, outputs } = instance.signature;
    assert.deepEqual(carried(inputs), ["BOOL", "FP32", "INT32", "INT64", "UINT8"]);
    assert.deepEqual(carried(outputs.filter(({ name }) => name.endsWith("_same"))), [
      "BOOL",
      "FP32",
      "INT32",
      "INT64",
    ]);
    assert.match(
      inputs.find(({ name }) => name === "BYTES")!.modelType,
      /DT_STRING \(this addon lacks the repairs/,
    );
    instance.finalize();
  });

  it("says which tag, signature or file is missing", async () => {
    const directory = path.join(nativeRepository, "ticket_topic", "1", "model.savedmodel");
    const choose = (signatureName: string, tag: string): Promise<unknown> =>
      loadTensorFlow(directory, { native, choice: { signatureName, tag } });
    await assert.rejects(choose("other", "serve"), /no signature 'other'.*available are serving_default/);
    await assert.rejects(choose("serving_default", "train"), /no graph with the tag 'train'/);
    await assert.rejects(loadTensorFlow(nativeRepository, { native }), /has no saved_model.pb/);
  });
});
