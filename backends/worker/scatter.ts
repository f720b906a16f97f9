import { type DataType, dataTypeByteSize } from "../../server/core/data-type.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { InferenceResponse, type SharedBuffer } from "../../server/core/inference-response.ts";
import { carryVariableDims, elementCount, type Shape } from "../../server/core/shape.ts";
import { failure, type Status } from "../../server/core/status.ts";
import { inputOf } from "../../server/core/padded-length.ts";
import { Tensor } from "../../server/core/tensor.ts";
import { type FrameHeader, type FrameLayout, tensorState } from "./batch-frame.ts";
import type { FramePool } from "./frame-pool.ts";
import { type OutputTrim, outputTrims, trimInPlace } from "./trimmed-output.ts";

/** Whose responses these are. */
export interface ModelIdentity {
  readonly modelName: string;
  readonly modelVersion: string;
}

/** The frame behind the responses of one batch: it goes back to its pool when the last of its readers is done. */
class FrameLease implements SharedBuffer {
  readonly #frame: ArrayBuffer;
  readonly #pool: FramePool;
  /** The batch itself is the first. */
  #readerCount = 1;

  constructor(frame: ArrayBuffer, pool: FramePool) {
    this.#frame = frame;
    this.#pool = pool;
  }

  retain(): void {
    this.#readerCount++;
  }

  release(): void {
    this.#readerCount--;
    if (this.#readerCount === 0) this.#pool.give(this.#frame);
  }
}

/** Models with more outputs than this do not fit the requests' bit masks: there the names decide. */
const maxMaskedOutputs = 30;

/** What decides how many elements of an output a request gets. */
interface ScatteredOutput {
  /** Per item, without the batch dimension. */
  readonly wireDims: Shape;
  readonly sourceName: string;
  readonly sourceIndex: number;
}

function scatteredOutput(layout: FrameLayout, index: number): ScatteredOutput | null {
  const { join, wireDims } = layout.spec.outputs[index]!;
  if (join.kind !== "scattered") return null;
  return { wireDims, sourceName: layout.spec.inputs[join.source]!.name, sourceIndex: join.source };
}

/** The shape of a request's part: variable dimensions are as large as those of its input. */
function scatteredShape(request: InferenceRequest, output: ScatteredOutput): number[] {
  const source = inputOf(request, output.sourceIndex, output.sourceName);
  const dims = output.wireDims.map((dim, i) => (dim === -1 ? (source?.shape[i + 1] ?? 0) : dim));
  return [request.batchSize, ...dims];
}

/** How one output of a batch is cut up between its requests. */
class OutputCutter {
  readonly #index: number;
  readonly #isMasked: boolean;
  readonly #name: string;
  readonly #datatype: DataType;
  readonly #bytes: Uint8Array;
  readonly #itemShape: Shape;
  readonly #isBatching: boolean;
  /** Where the elements of a request are counted by the shape of one of its inputs; else `null`. */
  readonly #scattered: ScatteredOutput | null;
  /** The axes that are cut to the request's own lengths; none where it has all that the batch has. */
  readonly #trims: readonly OutputTrim[];
  readonly #rowBytes: number;
  /** Elements of one row of a BYTES tensor. */
  readonly #rowElements: number;
  #offset = 0;

  constructor(header: FrameHeader, layout: FrameLayout, index: number) {
    const spec = layout.spec.outputs[index]!;
    const byteLength = header.outputLength(index);
    const modelShape = header.outputShape(index);
    const item = layout.isBatching ? modelShape.slice(1) : modelShape;
    this.#index = index;
    this.#isMasked = layout.spec.outputs.length <= maxMaskedOutputs;
    this.#name = spec.name;
    this.#datatype = spec.datatype;
    this.#bytes = new Uint8Array(header.buffer, header.outputOffset(index), byteLength);
    this.#itemShape = spec.dims === spec.wireDims ? item : carryVariableDims(item, spec.dims, spec.wireDims);
    this.#isBatching = layout.isBatching;
    this.#scattered = scatteredOutput(layout, index);
    this.#trims = outputTrims(layout, header, index);
    this.#rowBytes = header.rows === 0 ? 0 : byteLength / header.rows;
    this.#rowElements = item.reduce((count, dim) => count * dim, 1);
  }

  /** Whether the request asked for this output. */
  isFor(request: InferenceRequest): boolean {
    if (this.#isMasked) return ((request.outputMask >> this.#index) & 1) === 1;
    return request.requestedOutputs.length === 0 || request.requestedOutputs.includes(this.#name);
  }

  /** The next rows, those of this request. */
  cut(request: InferenceRequest): Tensor {
    const rows = request.batchSize;
    if (this.#scattered !== null) return this.#cutScattered(scatteredShape(request, this.#scattered));
    if (!this.#isBatching) return new Tensor(this.#name, this.#datatype, this.#itemShape, this.#bytes);
    const start = this.#offset;
    this.#offset =
      this.#datatype === "BYTES"
        ? this.#skipElements(rows * this.#rowElements)
        : start + rows * this.#rowBytes;
    const data = this.#bytes.subarray(start, this.#offset);
    const shape = [rows, ...this.#itemShape];
    const trimmed = trimInPlace(data, shape, request, this.#trims);
    return new Tensor(this.#name, this.#datatype, shape, trimmed);
  }

  #cutScattered(shape: number[]): Tensor {
    const start = this.#offset;
    const count = elementCount(shape);
    this.#offset =
      this.#datatype === "BYTES"
        ? this.#skipElements(count)
        : start + count * dataTypeByteSize[this.#datatype];
    return new Tensor(this.#name, this.#datatype, shape, this.#bytes.subarray(start, this.#offset));
  }

  #skipElements(count: number): number {
    const bytes = this.#bytes;
    let offset = this.#offset;
    for (let i = 0; i < count; i++) {
      const length =
        bytes[offset]! +
        bytes[offset + 1]! * 0x100 +
        bytes[offset + 2]! * 0x10000 +
        bytes[offset + 3]! * 0x1000000;
      offset += 4 + length;
    }
    return offset;
  }
}

/**
 * Answers the requests of a batch from the frame that came back: each gets views on its rows of the outputs that it
 * asked for. The frame must have passed {@link checkOutputs}.
 *
 * @param batch - In the order in which they were gathered. Their timestamps are set already.
 * @param frames - Gets the frame, now or when the last response that was retained is released.
 */
export function scatterBatch(
  batch: readonly InferenceRequest[],
  header: FrameHeader,
  layout: FrameLayout,
  identity: ModelIdentity,
  frames: FramePool,
): void {
  const cutters: OutputCutter[] = [];
  for (let i = 0; i < layout.outputSlots.length; i++) {
    if (header.outputState(i) === tensorState.present) cutters.push(new OutputCutter(header, layout, i));
  }
  const lease = new FrameLease(header.buffer, frames);
  for (const request of batch) {
    const outputs: Tensor[] = [];
    for (const cutter of cutters) {
      // Every cutter advances for every request, asked for or not.
      const tensor = cutter.cut(request);
      if (cutter.isFor(request)) outputs.push(tensor);
    }
    request.complete(
      new InferenceResponse({
        modelName: identity.modelName,
        modelVersion: identity.modelVersion,
        id: request.id,
        outputs,
        parameters: null,
        buffer: lease,
      }),
    );
  }
  lease.release();
}

/**
 * Whether the outputs that came back can be cut up. A batching model must give as many rows as it got, or as many elements
 * as the requests' inputs have where these decide: otherwise nobody knows whose they are.
 *
 * @returns `null`, or INTERNAL: then every request of the batch fails.
 */
export function checkOutputs(
  batch: readonly InferenceRequest[],
  header: FrameHeader,
  layout: FrameLayout,
): Status {
  for (let i = 0; i < layout.outputSlots.length; i++) {
    const state = header.outputState(i);
    const name = layout.spec.outputs[i]!.name;
    if (state === tensorState.wanted || state === tensorState.wantedInPlace) {
      return failure("INTERNAL", `output '${name}' was not produced by the model`);
    }
    if (state !== tensorState.present || !layout.isBatching) continue;
    const shape = header.outputShape(i);
    const scattered = scatteredOutput(layout, i);
    if (scattered !== null) {
      let expected = 0;
      for (const request of batch) expected += elementCount(scatteredShape(request, scattered));
      if (shape[0] === expected) continue;
      return failure(
        "INTERNAL",
        `output '${name}' came out with ${shape[0]!} elements, expected ${expected} by the shapes of input '${scattered.sourceName}'`,
      );
    }
    for (const trim of outputTrims(layout, header, i)) {
      if (shape[trim.axis] === trim.paddedLength) continue;
      return failure(
        "INTERNAL",
        `output '${name}' came out with shape [${shape.join(",")}], expected ${trim.paddedLength} along axis ${trim.axis}, the padded length of input '${trim.input.name}'`,
      );
    }
    if (shape[0] !== header.rows) {
      return failure(
        "INTERNAL",
        `output '${name}' came out with shape [${shape.join(",")}], expected batch dimension ${header.rows}`,
      );
    }
  }
  return null;
}
