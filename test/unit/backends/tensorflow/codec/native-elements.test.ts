import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  isPlainDatatype,
  nativeCodec,
  nativeDatatype,
} from "../../../../../backends/tensorflow/codec/native-elements.ts";
import type {
  NativeAttribute,
  NativeValues,
  TensorFlowBinding,
} from "../../../../../backends/tensorflow/native/tensorflow-binding.ts";
import { dataTypes } from "../../../../../server/core/data-type.ts";

/** Keeps tensors as the addon does; an operation's result has its input's values, and its own type. */
class RecordingBinding {
  readonly TF_ATTR_TYPE = 9;
  readonly tensors = new Map<number, { readonly dtype: number; readonly values: NativeValues }>();
  readonly operations: string[] = [];
  #next = 0;

  createTensor(_shape: readonly number[], dtype: number, values: NativeValues): number {
    this.tensors.set(this.#next, { dtype, values });
    return this.#next++;
  }

  deleteTensor(id: number): void {
    assert.ok(this.tensors.delete(id), `tensor ${id} was not there`);
  }

  executeOp(
    name: string,
    attributes: readonly NativeAttribute[],
    inputs: readonly number[],
  ): readonly { id: number; shape: number[]; dtype: number }[] {
    const input = this.tensors.get(inputs[0]!) ?? assert.fail();
    assert.equal(attributes[0]?.value, input.dtype);
    const dtype = attributes[1]!.value;
    this.operations.push(`${name} ${attributes.map((attribute) => attribute.name).join(" ")} to ${dtype}`);
    return [{ id: this.createTensor([], dtype, input.values), shape: [], dtype }];
  }
}

function create(datatype: (typeof dataTypes)[number], wire: Uint8Array) {
  const recorder = new RecordingBinding();
  const id = nativeCodec(datatype).create(recorder as unknown as TensorFlowBinding, [1], wire);
  return { recorder, tensor: recorder.tensors.get(id) ?? assert.fail() };
}

describe("nativeCodec", () => {
  it("has TensorFlow's number for every type of the protocol, each its own", () => {
    for (const datatype of dataTypes) assert.equal(nativeDatatype(nativeCodec(datatype).type), datatype);
    assert.equal(nativeDatatype(8), null);
    assert.equal(nativeDatatype(20), null);
  });

  it("gives the addon memory that no TensorFlow takes over: it is not aligned", () => {
    const { tensor } = create("FP32", new Uint8Array(Float32Array.of(1.5).buffer));
    const values = tensor.values as Float32Array;
    assert.deepEqual([...values], [1.5]);
    assert.equal(values.byteOffset % 16, 4);
  });

  it("sends types that the addon lacks as others, and keeps no tensor between", () => {
    const half = create("FP16", Uint8Array.of(0x01, 0xbc));
    assert.deepEqual(half.recorder.operations, ["Cast SrcT DstT to 17", "Bitcast T type to 19"]);
    assert.deepEqual([...(half.tensor.values as Int32Array)], [0xbc01]);
    assert.equal(half.tensor.dtype, 19);
    assert.equal(half.recorder.tensors.size, 1);
    const narrow = create("INT8", Uint8Array.of(0x80));
    assert.deepEqual([...(narrow.tensor.values as Int32Array)], [-128]);
    assert.deepEqual(create("UINT64", new Uint8Array(8)).recorder.operations, ["Bitcast T type to 23"]);
    assert.deepEqual(create("INT64", new Uint8Array(8)).recorder.operations, []);
  });

  it("deletes what it made when an operation fails", () => {
    const recorder = new RecordingBinding();
    recorder.executeOp = () => {
      throw new Error("no such operation");
    };
    const binding = recorder as unknown as TensorFlowBinding;
    assert.throws(() => nativeCodec("FP16").create(binding, [1], new Uint8Array(2)), /no such operation/);
    assert.equal(recorder.tensors.size, 0);
  });
});

describe("isPlainDatatype", () => {
  it("is true for what travels without an operation and owns no strings", () => {
    const plain = (isInput: boolean): string[] =>
      dataTypes.filter((datatype) => isPlainDatatype(datatype, isInput));
    assert.deepEqual(plain(true), ["BOOL", "UINT8", "INT32", "INT64", "FP32"]);
    assert.deepEqual(plain(false), ["BOOL", "INT32", "INT64", "FP32"]);
  });
});
