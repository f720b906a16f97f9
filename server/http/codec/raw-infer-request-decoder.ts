import { dataTypeByteSize } from "../../core/data-type.ts";
import { elementCount, formatShape, type Shape } from "../../core/shape.ts";
import { StatusError } from "../../core/status.ts";
import { Tensor } from "../../core/tensor.ts";
import type { ModelTensor } from "../../model/served-model.ts";
import { joinBytesElements } from "../../core/bytes-elements.ts";
import { DecodedInferRequest } from "./decoded-infer-request.ts";
import { allBinary } from "./output-encodings.ts";

/** A raw binary request: the body is the data of the model's only input, and nothing else. */
export interface RawInferRequestBody {
  /** Uncompressed. The input becomes a view on it, unless it is BYTES. */
  readonly body: Uint8Array;
  /** `--http-max-input-size`. */
  readonly maxInputBytes: number;
  readonly modelName: string;
  /** The model's inputs, with wire shapes: a leading -1 when it batches. */
  readonly modelInputs: readonly ModelTensor[];
  /** 0: the model does not batch. */
  readonly maxBatchSize: number;
}

/**
 * Decodes a request with `Inference-Header-Content-Length: 0`. The shape comes from the model: batch size 1, and
 * one variable dimension is found from the byte count. A BYTES input is a single element, sent without its length.
 * All outputs are returned as binary tensor data.
 *
 * @throws StatusError of INVALID_ARG when the model or the byte count does not allow it.
 * @see docs/protocol.md, "Raw binary request"
 */
export function decodeRawInferRequest(request: RawInferRequestBody): DecodedInferRequest {
  const { body, modelName, modelInputs, maxInputBytes } = request;
  if (body.byteLength > maxInputBytes) {
    throw invalid(
      `raw input of ${body.byteLength} bytes exceeds the maximum allowed input size of ${maxInputBytes} bytes: raise --http-max-input-size to allow it`,
    );
  }
  const input = modelInputs[0];
  if (input === undefined || modelInputs.length > 1) {
    throw invalid(
      `model '${modelName}' must only have 1 input to take a raw input, it has ${modelInputs.length}`,
    );
  }
  const itemShape = request.maxBatchSize > 0 ? input.shape.slice(1) : input.shape;
  const shape = input.datatype === "BYTES" ? itemShape : deduceShape(input, itemShape, body.byteLength);
  let data = body;
  if (input.datatype === "BYTES") {
    if (elementCount(itemShape) !== 1) {
      throw invalid(
        `For BYTE datatype raw input '${input.name}', the model must have input shape [1], it has ${formatShape(itemShape)}`,
      );
    }
    data = joinBytesElements([body]);
  }
  return new DecodedInferRequest({
    id: "",
    inputs: [new Tensor(input.name, input.datatype, request.maxBatchSize > 0 ? [1, ...shape] : shape, data)],
    requestedOutputs: [],
    outputEncodings: allBinary,
    classifications: null,
    sharedMemory: null,
    parameters: null,
    priority: 0,
    timeoutUs: 0,
    correlationId: 0,
    isSequenceStart: false,
    isSequenceEnd: false,
  });
}

function invalid(message: string): StatusError {
  return new StatusError("INVALID_ARG", message);
}

/** Replaces the one variable dimension by what the byte count gives. Fixed shapes are returned as they are. */
function deduceShape(input: ModelTensor, shape: Shape, byteCount: number): Shape {
  const variable = shape.filter((dim) => dim < 0).length;
  if (variable === 0) return shape;
  if (variable > 1) {
    throw invalid(
      `the shape of raw input '${input.name}' can not be deduced because there are more than one variable-sized dimension in ${formatShape(shape)}`,
    );
  }
  const rest = elementCount(shape.map((dim) => (dim < 0 ? 1 : dim))) * dataTypeByteSize[input.datatype];
  const deduced = byteCount / rest;
  if (!Number.isInteger(deduced)) {
    throw invalid(
      `the shape of raw input '${input.name}' can not be deduced: ${byteCount} bytes are no multiple of the ${rest} bytes that one step of ${formatShape(shape)} takes`,
    );
  }
  return shape.map((dim) => (dim < 0 ? deduced : dim));
}
