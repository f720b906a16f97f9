import { elementCount } from "../../server/core/shape.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { BatchInputKind } from "../../server/model-config/model-config.ts";

/** Both types that a generated input may have are this long. */
const elementBytes = 4;

/** An input that describes the composition of a batch, about to be written into a frame. */
export interface GeneratedInput {
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/**
 * Shape and size of a generated input for a batch.
 *
 * @param source - Position of the described input in the requests' inputs.
 * @see contract §4.2, BatchInput: one entry per request, with two exceptions: the leading zero, and item shapes, which
 * have one entry per row
 */
export function measureGenerated(
  kind: BatchInputKind,
  batch: readonly InferenceRequest[],
  source: number,
): GeneratedInput {
  const shape = generatedShape(kind, batch, source);
  return { shape, byteLength: elementCount(shape) * elementBytes };
}

function generatedShape(
  kind: BatchInputKind,
  batch: readonly InferenceRequest[],
  source: number,
): readonly number[] {
  switch (kind) {
    case "BATCH_ELEMENT_COUNT":
    case "BATCH_ACCUMULATED_ELEMENT_COUNT":
      return [batch.length];
    case "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO":
      return [batch.length + 1];
    case "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE":
      return [batch.reduce((max, request) => Math.max(max, elementsOf(request, source)), 0)];
    case "BATCH_ITEM_SHAPE":
      return [rowsOf(batch, source), rankOf(batch, source)];
    case "BATCH_ITEM_SHAPE_FLATTEN":
      return [rowsOf(batch, source) * rankOf(batch, source)];
  }
}

/**
 * The values of a generated input. Those of BATCH_MAX_ELEMENT_COUNT_AS_SHAPE mean nothing and are zeros, because what an
 * earlier batch left there is not for others to see.
 *
 * @param out - As long as {@link measureGenerated} said. Receives INT32 or FP32 values.
 */
export function writeGenerated(
  kind: BatchInputKind,
  batch: readonly InferenceRequest[],
  source: number,
  out: Int32Array | Float32Array,
): void {
  let at = 0;
  let sum = 0;
  switch (kind) {
    case "BATCH_ELEMENT_COUNT":
      for (const request of batch) out[at++] = elementsOf(request, source);
      break;
    case "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO":
      out[at++] = 0;
      for (const request of batch) out[at++] = sum += elementsOf(request, source);
      break;
    case "BATCH_ACCUMULATED_ELEMENT_COUNT":
      for (const request of batch) out[at++] = sum += elementsOf(request, source);
      break;
    case "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE":
      out.fill(0);
      break;
    case "BATCH_ITEM_SHAPE":
    case "BATCH_ITEM_SHAPE_FLATTEN":
      for (const request of batch) {
        const [rows = 0, ...dims] = request.inputs[source]!.shape;
        for (let row = 0; row < rows; row++) for (const dim of dims) out[at++] = dim;
      }
  }
}

function elementsOf(request: InferenceRequest, source: number): number {
  return elementCount(request.inputs[source]!.shape);
}

function rowsOf(batch: readonly InferenceRequest[], source: number): number {
  return batch.reduce((rows, request) => rows + request.inputs[source]!.shape[0]!, 0);
}

/** Dimensions of one item, which all requests of a model have in common. */
function rankOf(batch: readonly InferenceRequest[], source: number): number {
  return batch[0]!.inputs[source]!.shape.length - 1;
}
