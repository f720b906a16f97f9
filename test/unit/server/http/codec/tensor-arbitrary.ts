import fc from "fast-check";
import { joinBytesElements } from "../../../../../server/core/bytes-elements.ts";
import { type DataType, dataTypeByteSize } from "../../../../../server/core/data-type.ts";
import { elementCount } from "../../../../../server/core/shape.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";

/** Data types that have a JSON form. */
export const jsonDataTypes: readonly DataType[] = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP32",
  "FP64",
  "BYTES",
];

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });

/** Random tensors of every type that has a JSON form, at random addresses; floats of any bits but NaN's payload. */
export const tensors: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom(...jsonDataTypes), shapes, fc.nat(7))
  .chain(([datatype, shape, misalignment]) =>
    tensorData(datatype, elementCount(shape)).map((data) => {
      const memory = new Uint8Array(misalignment + data.byteLength);
      memory.set(data, misalignment);
      return new Tensor("T", datatype, shape, memory.subarray(misalignment));
    }),
  );

function tensorData(datatype: DataType, count: number): fc.Arbitrary<Uint8Array> {
  const exactly = { minLength: count, maxLength: count };
  if (datatype === "BYTES") {
    return fc
      .array(fc.string({ unit: "binary", maxLength: 6 }), exactly)
      .map((texts) => joinBytesElements(texts.map((text) => Buffer.from(text))));
  }
  if (datatype === "BOOL") {
    return fc.array(fc.boolean(), exactly).map((flags) => Uint8Array.from(flags, (flag) => (flag ? 1 : 0)));
  }
  if (datatype === "FP32") {
    return fc.array(fc.float(), exactly).map((values) => bytesOf(Float32Array.from(values)));
  }
  if (datatype === "FP64") {
    return fc.array(fc.double(), exactly).map((values) => bytesOf(Float64Array.from(values)));
  }
  const byteCount = count * dataTypeByteSize[datatype];
  return fc.uint8Array({ minLength: byteCount, maxLength: byteCount });
}

function bytesOf(values: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer);
}
