import type { ParameterValue } from "../../core/inference-request.ts";
import { StatusError } from "../../core/status.ts";
import { jsonKind } from "./json-cursor.ts";
import { type JsonReader, wrongJsonType } from "./json-reader.ts";

/** What a request's `parameters` say. Shared by all requests with the same header: do not change. */
export interface InferParameters {
  /** Those without a meaning of their own, for the backend; `null` when there are none. */
  readonly custom: ReadonlyMap<string, ParameterValue> | null;
  /** 0: the model's default level. */
  readonly priority: number;
  /** 0: none. */
  readonly timeoutUs: number;
  /** The correlation id; 0 or "": the request belongs to no sequence. */
  readonly correlationId: number | bigint | string;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  /** `binary_data_output`: outputs that the request does not list come as binary tensor data. */
  readonly isBinaryByDefault: boolean;
}

/** The parameters of a request that has none. */
export const noParameters: InferParameters = {
  custom: null,
  priority: 0,
  timeoutUs: 0,
  correlationId: 0,
  isSequenceStart: false,
  isSequenceEnd: false,
  isBinaryByDefault: false,
};

/**
 * Reads the request's `parameters` object. When a name comes twice, the last value counts.
 *
 * @throws StatusError when a parameter has the wrong type or a reserved name.
 * @see docs/protocol.md, "Request parameters"
 */
export function readInferParameters(reader: JsonReader): InferParameters {
  const custom = new Map<string, ParameterValue>();
  const read: { -readonly [K in keyof InferParameters]: InferParameters[K] } = { ...noParameters };
  for (let key = reader.enterObject("parameters"); key !== null; key = reader.nextKey()) {
    switch (key) {
      case "sequence_id":
        read.correlationId = readCorrelationId(reader);
        break;
      case "sequence_start":
        read.isSequenceStart = reader.readBoolean(key);
        break;
      case "sequence_end":
        read.isSequenceEnd = reader.readBoolean(key);
        break;
      case "priority":
        read.priority = readPriority(reader);
        break;
      case "timeout":
        read.timeoutUs = Number(reader.readUnsigned(key));
        break;
      case "binary_data_output":
        read.isBinaryByDefault = reader.readBoolean(key);
        break;
      default:
        custom.set(key, readCustomParameter(reader, key));
    }
  }
  if (custom.size > 0) read.custom = custom;
  return read;
}

/** A negative level exists as little as one that is too high: both are the model's default one, which 0 stands for. */
function readPriority(reader: JsonReader): number {
  const isNegative = reader.kind() === jsonKind.number && reader.bytes[reader.position] === 0x2d;
  if (!isNegative) return Number(reader.readUnsigned("priority"));
  const value = reader.readParameterValue();
  if (value === null || (typeof value === "number" && !Number.isInteger(value))) {
    throw wrongJsonType("priority", "unsigned integer");
  }
  return 0;
}

function readCorrelationId(reader: JsonReader): number | bigint | string {
  switch (reader.kind()) {
    case jsonKind.string:
      return reader.readString("sequence_id");
    case jsonKind.number:
      return reader.readUnsigned("sequence_id");
    default:
      throw wrongJsonType("sequence_id", "string");
  }
}

/** Whether clients may not use this parameter name for their own. */
export function isReservedParameter(name: string): boolean {
  return name === "headers" || name.startsWith("triton_");
}

function readCustomParameter(reader: JsonReader, name: string): ParameterValue {
  if (isReservedParameter(name)) {
    throw new StatusError("INVALID_ARG", `parameter '${name}' is reserved for Triton usage`);
  }
  const value = reader.readParameterValue();
  if (value === null) {
    throw new StatusError(
      "INVALID_ARG",
      `parameter '${name}' has invalid type: it must be a string, a boolean, a 64-bit integer or a double`,
    );
  }
  return value;
}
