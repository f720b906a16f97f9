import type { InferenceResponse } from "../../core/inference-response.ts";
import type { OutgoingMessage } from "../transport/grpc-transport.ts";
import {
  largestMessageBytes,
  measureInferResponse,
  parameterFieldSize,
  textFieldSize,
  writeInferResponse,
  writeParameter,
  writeTextField,
} from "./infer-response.ts";
import { wireType } from "./proto-reader.ts";
import { delimitedSize, writeVarint } from "./proto-writer.ts";

/*
 * ModelStreamInferResponse
 *   error_message   1
 *   infer_response  2   a ModelInferResponse with the parameter triton_final_response
 */
const errorMessageField = 1;
const inferResponseTag = (2 << 3) | wireType.delimited;
const tagBytes = 1;

/** The parameter that says whether more follows for the request, as a field of the ModelInferResponse. */
const finalFlags = { yes: finalFlag(true), no: finalFlag(false) } as const;

function finalFlag(isFinal: boolean): Buffer {
  const key = "triton_final_response";
  const field = Buffer.alloc(parameterFieldSize(key, isFinal));
  writeParameter(field, 0, key, isFinal);
  return field;
}

/**
 * A ModelStreamInferResponse with a response of a model, written straight from the response's outputs. Write it, or give
 * it up, before the next one is made and before the outputs are given back.
 */
export class StreamInferResponseMessage implements OutgoingMessage {
  readonly byteLength: number;
  readonly #response: InferenceResponse;
  readonly #flag: Buffer;
  readonly #innerLength: number;

  private constructor(response: InferenceResponse, flag: Buffer, innerLength: number) {
    this.byteLength = tagBytes + delimitedSize(innerLength);
    this.#response = response;
    this.#flag = flag;
    this.#innerLength = innerLength;
  }

  /** Measures the message. @returns `null` when it would have more than 2^31 - 1 bytes. */
  static of(response: InferenceResponse, isFinal: boolean): StreamInferResponseMessage | null {
    const flag = isFinal ? finalFlags.yes : finalFlags.no;
    const innerLength = measureInferResponse(response) + flag.byteLength;
    // The tag and the length of the inner message take six bytes at most.
    if (innerLength > largestMessageBytes - 6) return null;
    return new StreamInferResponseMessage(response, flag, innerLength);
  }

  copy(target: Buffer, targetStart: number): void {
    target[targetStart] = inferResponseTag;
    const start = writeVarint(target, targetStart + tagBytes, this.#innerLength);
    // Of a parameter that comes twice readers take the last one: a backend cannot fake the flag.
    this.#flag.copy(target, writeInferResponse(target, start, this.#response));
  }
}

/** What a message without outputs tells of its request. */
export interface StreamMessageParts {
  /** "": no error, but the end of a request that got no last response. */
  readonly errorMessage: string;
  readonly id: string;
  /** As the client asked for them; "" before the request was scheduled. */
  readonly modelName: string;
  readonly modelVersion: string;
  /** `null`: the flag is left out, as before scheduling. */
  readonly isFinal: boolean | null;
}

/** Encodes a ModelStreamInferResponse without outputs: an error, or the end of a request. */
export function encodeStreamMessage(parts: StreamMessageParts): Buffer {
  const { errorMessage, id, modelName, modelVersion, isFinal } = parts;
  const flag = isFinal === null ? null : isFinal ? finalFlags.yes : finalFlags.no;
  const innerLength =
    textFieldSize(modelName) + textFieldSize(modelVersion) + textFieldSize(id) + (flag?.byteLength ?? 0);
  const message = Buffer.allocUnsafe(textFieldSize(errorMessage) + tagBytes + delimitedSize(innerLength));
  let at = writeTextField(message, 0, errorMessageField, errorMessage);
  message[at] = inferResponseTag;
  at = writeVarint(message, at + tagBytes, innerLength);
  at = writeTextField(message, at, 1, modelName);
  at = writeTextField(message, at, 2, modelVersion);
  at = writeTextField(message, at, 3, id);
  flag?.copy(message, at);
  return message;
}
