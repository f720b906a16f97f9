import type { CorrelationId, InferenceRequest } from "../../server/core/inference-request.ts";
import { dataTypeByteSize } from "../../server/core/data-type.ts";
import type { TensorSpec } from "../backend.ts";

/** A string's length goes before it. */
const lengthBytes = 4;

/** Bytes of a control input for a batch: one element for each request. */
export function measureControl(spec: TensorSpec, batch: readonly InferenceRequest[]): number {
  if (spec.datatype !== "BYTES") return batch.length * dataTypeByteSize[spec.datatype];
  let bytes = 0;
  for (const { correlationId } of batch) bytes += lengthBytes + Buffer.byteLength(textOf(correlationId));
  return bytes;
}

/**
 * Tells the model of each request where in its sequence it is. Fillers are in none: every flag is false, the id 0 or "".
 *
 * @param bytes - The frame.
 * @param offset - Where the tensor begins.
 * @returns Where it ends.
 * @see contract §6.5, the table of control tensors
 */
export function writeControl(
  spec: TensorSpec,
  batch: readonly InferenceRequest[],
  bytes: Uint8Array,
  offset: number,
): number {
  if (spec.join.kind !== "control") throw new Error("Only a control input can be filled. This is a bug.");
  const { control, falseTrue } = spec.join;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = offset;
  for (const request of batch) {
    if (falseTrue === null) at = writeCorrelationId(request.correlationId, spec, view, at);
    else at = writeFlag(falseTrue[isSet(control, request) ? 1 : 0], spec, view, at);
  }
  return at;
}

function isSet(control: string, request: InferenceRequest): boolean {
  switch (control) {
    case "CONTROL_SEQUENCE_START":
      return request.isSequenceStart;
    case "CONTROL_SEQUENCE_END":
      return request.isSequenceEnd;
    default:
      return !request.isFiller;
  }
}

function writeFlag(value: number, spec: TensorSpec, view: DataView, at: number): number {
  switch (spec.datatype) {
    case "INT32":
      view.setInt32(at, value, true);
      return at + 4;
    case "FP32":
      view.setFloat32(at, value, true);
      return at + 4;
    default:
      view.setUint8(at, value);
      return at + 1;
  }
}

/** Integers keep their low bits, as many as the type has. */
function writeCorrelationId(id: CorrelationId, spec: TensorSpec, view: DataView, at: number): number {
  if (spec.datatype === "BYTES") {
    const text = Buffer.from(textOf(id));
    view.setUint32(at, text.byteLength, true);
    new Uint8Array(view.buffer, view.byteOffset + at + lengthBytes).set(text);
    return at + lengthBytes + text.byteLength;
  }
  const bits = typeof id === "string" ? 0n : BigInt(id);
  if (dataTypeByteSize[spec.datatype] === 8) {
    view.setBigUint64(at, BigInt.asUintN(64, bits), true);
    return at + 8;
  }
  view.setUint32(at, Number(BigInt.asUintN(32, bits)), true);
  return at + 4;
}

/** A filler's id has no text. */
function textOf(id: CorrelationId): string {
  return typeof id === "string" ? id : "";
}
