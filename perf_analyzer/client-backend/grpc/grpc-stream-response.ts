import protobuf from "protobufjs";

/** What decides about a request's fate in a ModelStreamInferResponse. */
export interface StreamResponseHead {
  /** "" for a response. */
  readonly error: string;
  /** Of the request; "" when the server does not say. */
  readonly id: string;
  /** Whether it is the last one of its request; `null` when the server does not say. */
  readonly isFinal: boolean | null;
  readonly hasOutputs: boolean;
  /** The ModelInferResponse. A view of the message; empty when there is none. */
  readonly response: Uint8Array;
}

/* Field numbers: ModelStreamInferResponse, ModelInferResponse, its map of parameters, and InferParameter. */
const streamError = 1;
const streamResponse = 2;
const responseId = 3;
const responseParameters = 4;
const responseOutputs = 5;
const entryKey = 1;
const entryValue = 2;
const boolParam = 1;

/**
 * Reads the few fields that a load generator has to know of every response; the tensors are skipped.
 *
 * @throws Error when it is not such a message.
 */
export function readStreamResponseHead(message: Uint8Array): StreamResponseHead {
  let error = "";
  let response: Uint8Array = new Uint8Array(0);
  eachField(message, (field, reader) => {
    if (field === streamError) error = reader.string();
    else if (field === streamResponse) response = reader.bytes();
    else return false;
    return true;
  });
  let id = "";
  let isFinal: boolean | null = null;
  let hasOutputs = false;
  eachField(response, (field, reader) => {
    if (field === responseId) id = reader.string();
    else if (field === responseParameters) isFinal = readFinalFlag(reader.bytes()) ?? isFinal;
    else if (field === responseOutputs) {
      hasOutputs = true;
      reader.bytes();
    } else return false;
    return true;
  });
  return { error, id, isFinal, hasOutputs, response };
}

/** @returns `null` for another parameter. */
function readFinalFlag(entry: Uint8Array): boolean | null {
  let key = "";
  let flag = false;
  eachField(entry, (field, reader) => {
    if (field === entryKey) key = reader.string();
    else if (field === entryValue) {
      eachField(reader.bytes(), (inner, value) => {
        if (inner === boolParam) flag = value.bool();
        return inner === boolParam;
      });
    } else return false;
    return true;
  });
  return key === "triton_final_response" ? flag : null;
}

/** @param read - Reads a field's value and returns true, or returns false to skip it. */
function eachField(bytes: Uint8Array, read: (field: number, reader: protobuf.Reader) => boolean): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!read(tag >>> 3, reader)) reader.skipType(tag & 7);
  }
}
