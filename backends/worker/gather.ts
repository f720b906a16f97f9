import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { carryVariableDims, elementCount } from "../../server/core/shape.ts";
import { inputOf, paddedLength } from "../../server/core/padded-length.ts";
import type { Tensor } from "../../server/core/tensor.ts";
import type { TensorSpec } from "../backend.ts";
import { alignTensor, FrameHeader, type FrameLayout, tensorState } from "./batch-frame.ts";
import { measureControl, writeControl } from "./control-input.ts";
import type { FramePool } from "./frame-pool.ts";
import { measureGenerated, writeGenerated } from "./generated-input.ts";
import { measurePadded, paddedInputOf, writeMask, writePadded } from "./padded-input.ts";
import { sequenceRowOf } from "./sequence-row.ts";

/**
 * Copies the inputs of a batch into a frame: the one copy between a request's body and the runtime.
 *
 * @remarks
 * Byte-wise, so the requests' views may start at any address. A request's data is not read after this returns.
 *
 * @param batch - Members in response order, validated, all compatible with the first. Not retained.
 * @param pool - Gives the frame; the caller owns it afterwards.
 */
export function gatherBatch(
  batch: readonly InferenceRequest[],
  layout: FrameLayout,
  pool: FramePool,
): FrameHeader {
  let rows = 0;
  let outputMask = 0;
  for (const request of batch) {
    rows += request.batchSize;
    outputMask |= request.outputMask;
  }
  if (!layout.isBatching) rows = 1;

  const inputs = layout.spec.inputs;
  const first = batch[0]!;
  const sources = inputs.map((spec, index) => sourceOf(first, inputs, spec, index));
  const frameBytes = layout.headerBytes + inputBytes(batch, inputs, sources) + layout.outputPlaceBytes(rows);
  const header = new FrameHeader(layout, pool.take(frameBytes));
  header.rows = rows;
  if (layout.hasStates) {
    for (let row = 0; row < batch.length; row++) header.writeSequenceRow(row, sequenceRowOf(batch[row]!));
  }

  const bytes = new Uint8Array(header.buffer);
  let offset = layout.headerBytes;
  for (let index = 0; index < inputs.length; index++) {
    const position = sources[index]!;
    const spec = inputs[index]!;
    if (spec.join.kind === "control") {
      const end = writeControl(spec, batch, bytes, offset);
      header.writeInput(index, offset, end - offset, layout.isBatching ? [rows, 1] : [1]);
      offset = alignTensor(end);
      continue;
    }
    if (position < 0) {
      header.clearInput(index);
      continue;
    }
    offset = placeInput(header, index, { batch, spec, position, offset, bytes }, layout);
  }
  requestOutputs(header, layout, outputMask, offset);
  return header;
}

/** One input on its way into the frame. */
interface InputPlacement {
  readonly batch: readonly InferenceRequest[];
  readonly spec: TensorSpec;
  /** In the requests' inputs. */
  readonly position: number;
  readonly offset: number;
  /** The whole frame. */
  readonly bytes: Uint8Array;
}

/** @returns Where the next tensor begins. */
function placeInput(
  header: FrameHeader,
  index: number,
  placement: InputPlacement,
  layout: FrameLayout,
): number {
  switch (placement.spec.join.kind) {
    case "generated":
      return placeGenerated(header, index, placement);
    case "padded":
    case "mask":
      return placePadded(header, index, placement, layout);
    default:
      return placeJoined(header, index, placement, layout);
  }
}

/** A padded input, or the mask that says which of its positions are real. @returns Where the next tensor begins. */
function placePadded(
  header: FrameHeader,
  index: number,
  { batch, spec, offset, bytes }: InputPlacement,
  layout: FrameLayout,
): number {
  const input = paddedInputOf(layout.spec.inputs, index);
  const length = paddedLength(batch, input);
  if (spec.join.kind === "mask") {
    const end = writeMask(batch, input, { length, element: spec.join.oneElement, bytes, offset });
    header.writeInput(index, offset, end - offset, [header.rows, length]);
    return alignTensor(end);
  }
  if (spec.join.kind !== "padded") throw new Error("Only a padded input can be padded. This is a bug.");
  const end = writePadded(batch, input, { length, element: spec.join.padElement, bytes, offset });
  const shape = inputOf(batch[0]!, input.index, input.name)!.shape.with(input.axis, length);
  header.writeInput(index, offset, end - offset, shape.with(0, header.rows));
  return alignTensor(end);
}

/** @returns Where the next tensor begins. */
function placeJoined(
  header: FrameHeader,
  index: number,
  { batch, spec, position, offset, bytes }: InputPlacement,
  layout: FrameLayout,
): number {
  let end = offset;
  let elements = 0;
  const isFlat = spec.join.kind === "flat";
  for (const request of batch) {
    const { data, shape } = request.inputs[position]!;
    bytes.set(data, end);
    end += data.byteLength;
    if (isFlat) elements += elementCount(shape);
  }
  const first = batch[0]!.inputs[position]!;
  header.writeInput(
    index,
    offset,
    end - offset,
    isFlat ? [elements] : batchShape(first, spec, layout, header.rows),
  );
  return alignTensor(end);
}

/** @returns Where the next tensor begins. */
function placeGenerated(
  header: FrameHeader,
  index: number,
  { batch, spec, position, offset }: InputPlacement,
): number {
  if (spec.join.kind !== "generated") throw new Error("Only a generated input can be made. This is a bug.");
  const { what } = spec.join;
  const { shape, byteLength } = measureGenerated(what, batch, position);
  const view = spec.datatype === "FP32" ? Float32Array : Int32Array;
  writeGenerated(what, batch, position, new view(header.buffer, offset, byteLength / view.BYTES_PER_ELEMENT));
  header.writeInput(index, offset, byteLength, shape);
  return alignTensor(offset + byteLength);
}

/**
 * Position in `request.inputs` of the model's input, or of the one that it is generated from; -1 when an optional one was
 * left out, and for controls.
 */
function sourceOf(
  request: InferenceRequest,
  inputs: readonly TensorSpec[],
  spec: TensorSpec,
  index: number,
): number {
  if (spec.join.kind === "generated" || spec.join.kind === "mask") {
    const { source } = spec.join;
    return sourceOf(request, inputs, inputs[source]!, source);
  }
  if (spec.join.kind === "control") return -1;
  if (request.inputs[index]?.name === spec.name) return index;
  return request.inputs.findIndex((tensor) => tensor.name === spec.name);
}

function inputBytes(
  batch: readonly InferenceRequest[],
  inputs: readonly TensorSpec[],
  sources: readonly number[],
): number {
  let total = 0;
  for (let index = 0; index < inputs.length; index++) {
    const position = sources[index]!;
    const { join } = inputs[index]!;
    if (join.kind === "control") total += alignTensor(measureControl(inputs[index]!, batch));
    if (position < 0) continue;
    let tensorBytes = 0;
    if (join.kind === "generated") {
      tensorBytes = measureGenerated(join.what, batch, position).byteLength;
    } else if (join.kind === "padded" || join.kind === "mask") {
      tensorBytes = measurePadded(batch, inputs, index);
    } else {
      for (const request of batch) tensorBytes += request.inputs[position]!.data.byteLength;
    }
    total += alignTensor(tensorBytes);
  }
  return total;
}

/** The shape of the whole batch as the model sees it. */
function batchShape(tensor: Tensor, spec: TensorSpec, layout: FrameLayout, rows: number): number[] {
  const item = layout.isBatching ? tensor.shape.slice(1) : tensor.shape.slice();
  const dims = spec.dims === spec.wireDims ? item : carryVariableDims(item, spec.wireDims, spec.dims);
  return layout.isBatching ? [rows, ...dims] : dims;
}

function requestOutputs(header: FrameHeader, layout: FrameLayout, outputMask: number, from: number): void {
  let offset = from;
  for (let index = 0; index < layout.outputRowBytes.length; index++) {
    // Beyond 30 outputs every mask is -1; the shift then still gives 1.
    const isWanted = ((outputMask >> Math.min(index, 31)) & 1) === 1;
    const rowBytes = layout.outputRowBytes[index]!;
    if (!isWanted) {
      header.requestOutput(index, tensorState.absent, 0, 0);
    } else if (rowBytes < 0) {
      header.requestOutput(index, tensorState.wanted, 0, 0);
    } else {
      const byteLength = rowBytes * header.rows;
      header.requestOutput(index, tensorState.wantedInPlace, offset, byteLength);
      offset += alignTensor(byteLength);
    }
  }
}
