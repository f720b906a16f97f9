import { StatusError } from "../../core/status.ts";
import { Tensor } from "../../core/tensor.ts";
import { DecodedInferRequest } from "./decoded-infer-request.ts";
import { type InferHeader, readInferHeader } from "./infer-header.ts";
import type { InferHeaderCache } from "./infer-header-cache.ts";
import { asBuffer } from "./json-cursor.ts";

/** The body of an inference request and what is known of it. */
export interface InferRequestBody {
  /** The whole body, uncompressed. Binary inputs become views on it: the caller keeps it until the end. */
  readonly body: Uint8Array;
  /** The value of `Inference-Header-Content-Length`, or -1 when there is none: then all of the body is JSON. */
  readonly headerBytes: number;
  /** `--http-max-input-size`. */
  readonly maxInputBytes: number;
  /** Belongs to the caller; one for all requests of a listener. */
  readonly headerCache: InferHeaderCache;
}

/**
 * Decodes an inference request whose body is JSON, or JSON and binary tensor data behind it. (A header length of
 * 0 means a raw binary request instead: see decodeRawInferRequest.)
 *
 * ```
 *   ┌──────── headerBytes ────────┬── input A ──┬── input C ──┐
 *   │ {"inputs":[A, B, C], …}     │ bytes of A  │ bytes of C  │      B has JSON data
 *   └─────────────────────────────┴─────────────┴─────────────┘
 * ```
 *
 * Names and shapes are not compared with any model here; nor are byte counts with shapes.
 *
 * @throws StatusError INVALID_ARG when the request is at fault.
 * @see docs/protocol.md, "Inference request"
 */
export function decodeInferRequest(request: InferRequestBody): DecodedInferRequest {
  const { headerBytes } = request;
  const body = asBuffer(request.body);
  if (headerBytes > body.byteLength) {
    throw new StatusError(
      "INVALID_ARG",
      `inference header size should be in range 0 to ${body.byteLength}, the size of the body, got ${headerBytes}`,
    );
  }
  // A body that is all JSON is nearly always tensor data, which the cache does not take.
  if (headerBytes < 0 || body[0] !== 0x7b) {
    const jsonBytes = headerBytes < 0 ? body.byteLength : headerBytes;
    const header = readHeader(body, jsonBytes, request.maxInputBytes);
    return bind(header, header.id, body, jsonBytes);
  }
  const idEnd = leadingIdEnd(body, headerBytes);
  const keyStart = Math.max(0, idEnd);
  let header = request.headerCache.find(body, keyStart, headerBytes);
  if (header === null) {
    header = readHeader(body, headerBytes, request.maxInputBytes);
    request.headerCache.add(body, keyStart, headerBytes, header);
    return bind(header, header.id, body, headerBytes);
  }
  const id = idEnd < 0 ? header.id : body.toString("latin1", leadingIdStart(body), idEnd);
  return bind(header, id, body, headerBytes);
}

function readHeader(body: Buffer, jsonBytes: number, maxInputBytes: number): InferHeader {
  if (jsonBytes > maxInputBytes) {
    throw new StatusError(
      "INVALID_ARG",
      `request JSON of ${jsonBytes} bytes exceeds the maximum allowed input size of ${maxInputBytes} bytes: raise --http-max-input-size to allow it`,
    );
  }
  return readInferHeader(body, jsonBytes, maxInputBytes);
}

const idMember = Buffer.from('{"id":');

/** Where the id starts in `{"id":"…` and in `{"id": "…`, the two ways in which the clients write it. */
function leadingIdStart(body: Buffer): number {
  return body[idMember.length] === 0x20 ? idMember.length + 2 : idMember.length + 1;
}

/** The closing quote of an id that stands first in the JSON and is plain ASCII without escapes; otherwise -1. */
function leadingIdEnd(body: Buffer, jsonBytes: number): number {
  for (let i = 0; i < idMember.length; i++) {
    if (body[i] !== idMember[i]) return -1;
  }
  const start = leadingIdStart(body);
  if (start > jsonBytes || body[start - 1] !== 0x22) return -1;
  for (let i = start; i < jsonBytes; i++) {
    const byte = body[i]!;
    if (byte === 0x22) return i;
    if (byte < 0x20 || byte > 0x7e || byte === 0x5c) return -1;
  }
  return -1;
}

/** Gives the inputs their bytes, the binary ones as views on what follows the JSON; none to those in shared memory. */
function bind(header: InferHeader, id: string, body: Buffer, jsonBytes: number): DecodedInferRequest {
  const available = body.byteLength - jsonBytes;
  if (header.binaryBytes !== available) throw wrongBodySize(header, available);
  const inputs: Tensor[] = [];
  let offset = body.byteOffset + jsonBytes;
  for (const input of header.inputs) {
    let data = input.data;
    if (data === null) {
      data = new Uint8Array(body.buffer, offset, input.binaryBytes);
      offset += input.binaryBytes;
    }
    inputs.push(new Tensor(input.name, input.datatype, input.shape, data));
  }
  const { parameters } = header;
  return new DecodedInferRequest({
    id,
    inputs,
    requestedOutputs: header.requestedOutputs,
    outputEncodings: header.outputEncodings,
    classifications: header.classifications,
    sharedMemory: header.sharedMemory,
    parameters: parameters.custom,
    priority: parameters.priority,
    timeoutUs: parameters.timeoutUs,
    correlationId: parameters.correlationId,
    isSequenceStart: parameters.isSequenceStart,
    isSequenceEnd: parameters.isSequenceEnd,
  });
}

function wrongBodySize(header: InferHeader, available: number): StatusError {
  const missing = header.binaryBytes - available;
  return new StatusError(
    "INVALID_ARG",
    missing > 0
      ? `unexpected end of binary tensor data: the inputs' binary_data_size ask for ${header.binaryBytes} bytes behind the JSON, expecting ${missing} additional bytes`
      : `unexpected additional input data: ${-missing} bytes are left behind the binary tensor data`,
  );
}
