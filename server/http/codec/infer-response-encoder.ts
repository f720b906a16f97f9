import type { ParameterValue } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { JsonWriter } from "./json-writer.ts";
import type { OutputEncodings } from "./output-encodings.ts";
import type { ResponseScratch } from "./response-scratch.ts";
import { writeTensorData } from "./tensor-data-writer.ts";

/** An encoded response. */
export interface EncodedInferResponse {
  /** The JSON's length when binary tensor data follows it; 0 when all of the body is JSON. */
  readonly headerBytes: number;
  /** A view on the writer's memory, valid until it is used again: send or copy it at once. */
  readonly body: Uint8Array;
  /** What follows the body: views on the response's own memory. Empty, unless tensors are too large to be copied. */
  readonly tail: readonly Uint8Array[];
}

/** From here up, copying a response's tensors costs more than keeping its memory until they are written. */
export const largeTensorBytes: number = 128 * 1024;

const nothing: readonly Uint8Array[] = [];

/**
 * Encodes a response: JSON, and the binary outputs' bytes behind it in the order of the outputs. They are copied once,
 * unless they are {@link largeTensorBytes} or more: then they are left where they are.
 *
 * @param scratch - Its memory carries the result.
 * @throws StatusError when an output cannot be written as the client asked: see {@link writeTensorData}.
 * @see docs/protocol.md, "Inference response"
 */
export function encodeInferResponse(
  response: InferenceResponse,
  encodings: OutputEncodings,
  scratch: ResponseScratch,
): EncodedInferResponse {
  const { writer } = scratch;
  const { outputs } = response;
  writer.restart();
  if (response.id === "") {
    writer.ascii("{");
  } else {
    writer.ascii('{"id":');
    writer.string(response.id);
    writer.ascii(",");
  }
  const known = scratch.findHeader(response, encodings);
  if (known !== null) {
    writer.raw(known);
  } else {
    const start = writer.length;
    writeHeader(writer, response, encodings);
    if (outputs.every((output) => encodings.of(output.name) !== "json")) {
      scratch.keepHeader(response, encodings, writer.written().subarray(start));
    }
  }
  const headerBytes = writer.length;
  let binaryBytes = 0;
  for (const output of outputs) {
    if (encodings.of(output.name) === "binary") binaryBytes += output.data.byteLength;
  }
  if (binaryBytes === 0) return { headerBytes: 0, body: writer.written(), tail: nothing };
  if (binaryBytes >= largeTensorBytes) {
    const isBinary = (output: Tensor): boolean => encodings.of(output.name) === "binary";
    return { headerBytes, body: writer.written(), tail: outputs.filter(isBinary).map(({ data }) => data) };
  }
  // All at once: growing between two outputs would copy the first one again.
  writer.reserve(binaryBytes);
  for (const output of outputs) {
    if (encodings.of(output.name) === "binary") writer.raw(output.data);
  }
  return { headerBytes, body: writer.written(), tail: nothing };
}

/** The same without a tail, in memory of its own. */
export function inOnePiece({ headerBytes, body, tail }: EncodedInferResponse): EncodedInferResponse {
  return { headerBytes, body: Buffer.concat([body, ...tail]), tail: nothing };
}

/** Writes the JSON behind the id. */
function writeHeader(writer: JsonWriter, response: InferenceResponse, encodings: OutputEncodings): void {
  writer.ascii('"model_name":');
  writer.string(response.modelName);
  writer.ascii(',"model_version":');
  writer.string(response.modelVersion);
  if (response.parameters !== null && response.parameters.size > 0) {
    writeParameters(writer, response.parameters);
  }
  writer.ascii(',"outputs":[');
  let separator = "";
  for (const output of response.outputs) {
    writer.ascii(separator);
    separator = ",";
    writeDeclaration(writer, output);
    const encoding = encodings.of(output.name);
    if (encoding === "shared-memory") {
      writer.ascii("}");
    } else if (encoding === "binary") {
      writer.ascii(',"parameters":{"binary_data_size":');
      writer.integer(output.data.byteLength);
      writer.ascii("}}");
    } else {
      writer.ascii(',"data":');
      writeTensorData(writer, output);
      writer.ascii("}");
    }
  }
  writer.ascii("]}");
}

/** Writes what comes first in every output, up to its shape. */
function writeDeclaration(writer: JsonWriter, output: Tensor): void {
  writer.ascii('{"name":');
  writer.string(output.name);
  writer.ascii(',"datatype":"');
  writer.ascii(output.datatype);
  writer.ascii('","shape":[');
  for (let i = 0; i < output.shape.length; i++) {
    if (i > 0) writer.ascii(",");
    writer.integer(output.shape[i]!);
  }
  writer.ascii("]");
}

function writeParameters(writer: JsonWriter, parameters: ReadonlyMap<string, ParameterValue>): void {
  let separator = ',"parameters":{';
  for (const [name, value] of parameters) {
    writer.ascii(separator);
    separator = ",";
    writer.string(name);
    writer.ascii(":");
    if (typeof value === "string") writer.string(value);
    else if (typeof value !== "number") writer.ascii(String(value));
    else if (Number.isSafeInteger(value)) writer.integer(value);
    else writer.double(value);
  }
  writer.ascii("}");
}
