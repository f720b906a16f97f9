import type { ParameterValue } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { OutgoingMessage } from "../transport/grpc-transport.ts";
import { wireType } from "./proto-reader.ts";
import {
  delimitedSize,
  int64Size,
  textByteLength,
  writeInt64,
  writeText,
  writeVarint,
} from "./proto-writer.ts";

/*
 * ModelInferResponse            InferOutputTensor      InferParameter
 *   model_name          1         name      1            bool_param    1
 *   model_version       2         datatype  2            int64_param   2
 *   id                  3         shape     3            string_param  3
 *   parameters          4                                double_param  4
 *   outputs             5
 *   raw_output_contents 6
 *
 * All field numbers are below 16, so a tag is one byte.
 */
const tagBytes = 1;
const delimited = wireType.delimited;

/** gRPC and protobuf stop at 2 GiB. */
export const largestMessageBytes = 0x7fff_ffff;

/** Sizes of the output messages, found while measuring and needed again for writing. Used by one message at a time. */
const outputSizes: number[] = [];

/**
 * A ModelInferResponse, with all data as raw contents, that is written where it is wanted: outputs are copied once. Write
 * it, or give it up, before the next one is made and before the response's outputs are given back.
 */
export class InferResponseMessage implements OutgoingMessage {
  readonly byteLength: number;
  readonly #response: InferenceResponse;

  private constructor(response: InferenceResponse, byteLength: number) {
    this.#response = response;
    this.byteLength = byteLength;
  }

  /** Measures the message. @returns `null` when it would have more than 2^31 - 1 bytes. */
  static of(response: InferenceResponse): InferResponseMessage | null {
    const byteLength = measureInferResponse(response);
    return byteLength > largestMessageBytes ? null : new InferResponseMessage(response, byteLength);
  }

  copy(target: Buffer, targetStart: number): void {
    writeInferResponse(target, targetStart, this.#response);
  }
}

/**
 * Writes what {@link measureInferResponse} measured last.
 *
 * @returns The offset behind it.
 */
export function writeInferResponse(out: Buffer, start: number, response: InferenceResponse): number {
  let at = writeTextField(out, start, 1, response.modelName);
  at = writeTextField(out, at, 2, response.modelVersion);
  at = writeTextField(out, at, 3, response.id);
  if (response.parameters !== null) {
    for (const [key, value] of response.parameters) at = writeParameter(out, at, key, value);
  }
  const outputs = response.outputs;
  for (let i = 0; i < outputs.length; i++) {
    at = writeTag(out, at, 5);
    at = writeVarint(out, at, outputSizes[i]!);
    at = writeOutput(out, at, outputs[i]!);
  }
  for (let i = 0; i < outputs.length; i++) {
    const data = outputs[i]!.data;
    at = writeTag(out, at, 6);
    at = writeVarint(out, at, data.byteLength);
    out.set(data, at);
    at += data.byteLength;
  }
  return at;
}

/** Bytes of the message. They may be more than a message can have. */
export function measureInferResponse(response: InferenceResponse): number {
  let size =
    textFieldSize(response.modelName) + textFieldSize(response.modelVersion) + textFieldSize(response.id);
  if (response.parameters !== null) {
    for (const [key, value] of response.parameters) {
      size += parameterFieldSize(key, value);
    }
  }
  const outputs = response.outputs;
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i]!;
    const outputSize = measureOutput(output);
    outputSizes[i] = outputSize;
    size += 2 * tagBytes + delimitedSize(outputSize) + delimitedSize(output.data.byteLength);
  }
  return size;
}

function measureOutput(output: Tensor): number {
  const shapeSize = measureShape(output.shape);
  return (
    textFieldSize(output.name) +
    textFieldSize(output.datatype) +
    (shapeSize === 0 ? 0 : tagBytes + delimitedSize(shapeSize))
  );
}

function writeOutput(out: Buffer, at: number, output: Tensor): number {
  let next = writeTextField(out, at, 1, output.name);
  next = writeTextField(out, next, 2, output.datatype);
  const shape = output.shape;
  if (shape.length === 0) return next;
  next = writeTag(out, next, 3);
  next = writeVarint(out, next, measureShape(shape));
  for (let i = 0; i < shape.length; i++) next = writeInt64(out, next, shape[i]!);
  return next;
}

function measureShape(shape: Shape): number {
  let size = 0;
  for (let i = 0; i < shape.length; i++) size += int64Size(shape[i]!);
  return size;
}

/** Bytes of a text field with its tag. An empty text is not sent: that is its default. */
export function textFieldSize(text: string): number {
  return text === "" ? 0 : tagBytes + delimitedSize(textByteLength(text));
}

/** Writes the field of {@link textFieldSize}. @param field - Its number, below 16. */
export function writeTextField(out: Buffer, at: number, field: number, text: string): number {
  return text === "" ? at : writeText(out, writeTag(out, at, field), text);
}

function writeTag(out: Buffer, at: number, field: number): number {
  out[at] = (field << 3) | delimited;
  return at + 1;
}

/** Bytes of a `parameters` entry with its tag and length. */
export function parameterFieldSize(key: string, value: ParameterValue): number {
  return tagBytes + delimitedSize(parameterEntrySize(key, value));
}

function parameterEntrySize(key: string, value: ParameterValue): number {
  return 2 * tagBytes + delimitedSize(textByteLength(key)) + delimitedSize(parameterSize(value));
}

function parameterSize(value: ParameterValue): number {
  switch (typeof value) {
    case "boolean":
      return tagBytes + 1;
    case "string":
      return tagBytes + delimitedSize(textByteLength(value));
    case "bigint":
      return tagBytes + int64Size(value);
    default:
      return tagBytes + (Number.isSafeInteger(value) ? int64Size(value) : 8);
  }
}

/** Writes the field of {@link parameterFieldSize}. */
export function writeParameter(out: Buffer, at: number, key: string, value: ParameterValue): number {
  let next = writeTag(out, at, 4);
  next = writeVarint(out, next, parameterEntrySize(key, value));
  next = writeText(out, writeTag(out, next, 1), key);
  next = writeVarint(out, writeTag(out, next, 2), parameterSize(value));
  switch (typeof value) {
    case "boolean":
      out[next] = (1 << 3) | wireType.varint;
      return writeVarint(out, next + 1, value ? 1 : 0);
    case "string":
      return writeText(out, writeTag(out, next, 3), value);
    case "bigint":
      out[next] = (2 << 3) | wireType.varint;
      return writeInt64(out, next + 1, value);
    default:
      if (Number.isSafeInteger(value)) {
        out[next] = (2 << 3) | wireType.varint;
        return writeInt64(out, next + 1, value);
      }
      out[next] = (4 << 3) | wireType.fixed64;
      return out.writeDoubleLE(value, next + 1);
  }
}
