import type { CorrelationId, ParameterValue } from "../../core/inference-request.ts";
import { StatusError } from "../../core/status.ts";
import { type ParameterChoice, type ParameterEntry, readParameterEntry } from "./infer-parameter.ts";
import type { ProtoReader } from "./proto-reader.ts";

/** What the `parameters` of a ModelInferRequest ask for. */
export interface RequestParameters {
  /** 0: the model's default level. */
  readonly priority: number;
  /** Queue timeout in µs; 0: none. */
  readonly timeoutUs: number;
  /** 0 or "": the request belongs to no sequence. */
  readonly correlationId: CorrelationId;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  /** `triton_enable_empty_final_response`: a stream tells the end of the request even when no response carries it. */
  readonly wantsEmptyFinalResponse: boolean;
  /** Those that the protocol gives no meaning, for the backend; `null` when there are none. */
  readonly custom: ReadonlyMap<string, ParameterValue> | null;
}

const noParameters: RequestParameters = {
  priority: 0,
  timeoutUs: 0,
  correlationId: 0,
  isSequenceStart: false,
  isSequenceEnd: false,
  wantsEmptyFinalResponse: false,
  custom: null,
};

/** Parameters with a meaning, and the members of the oneof that may carry them. */
const typesByName: ReadonlyMap<string, readonly ParameterChoice[]> = new Map([
  ["sequence_id", ["int64_param", "string_param"]],
  ["sequence_start", ["bool_param"]],
  ["sequence_end", ["bool_param"]],
  ["priority", ["int64_param", "uint64_param"]],
  ["timeout", ["int64_param"]],
  // Only streams of decoupled models can have an empty final response.
  ["triton_enable_empty_final_response", ["bool_param"]],
] satisfies [string, ParameterChoice[]][]);

/** What a parameter for the backend may be: there is no 64-bit unsigned type in the backend's interface. */
const customTypes: readonly ParameterChoice[] = ["int64_param", "bool_param", "string_param", "double_param"];

/**
 * Reads the parameters of a request and checks the types of those that have a meaning.
 *
 * @param offsets - Where the map's entries begin in the reader's bytes.
 * @throws StatusError INVALID_ARG for a wrong type or value, or a reserved name.
 */
export function readRequestParameters(reader: ProtoReader, offsets: readonly number[]): RequestParameters {
  if (offsets.length === 0) return noParameters;
  // A key that comes twice counts once, with its last value: that is what a map is in protobuf.
  const entries = new Map<string, ParameterEntry>();
  for (const offset of offsets) {
    reader.offset = offset;
    const entry = readParameterEntry(reader, "parameters");
    entries.set(entry.key, entry);
  }
  const read: { -readonly [K in keyof RequestParameters]: RequestParameters[K] } = { ...noParameters };
  const custom = new Map<string, ParameterValue>();
  for (const entry of entries.values()) {
    if (checkType(entry)) custom.set(entry.key, entry.value);
    else setParameter(read, entry);
  }
  if (custom.size > 0) read.custom = custom;
  return read;
}

/** Takes over a parameter with a meaning, whose type has been checked. */
function setParameter(
  read: { -readonly [K in keyof RequestParameters]: RequestParameters[K] },
  entry: ParameterEntry,
): void {
  switch (entry.key) {
    case "priority":
      // A negative level exists as little as one that is too high: both are the model's default one.
      read.priority = Math.max(0, Number(entry.value));
      break;
    case "timeout":
      read.timeoutUs = notNegative(entry);
      break;
    case "sequence_id":
      read.correlationId = correlationIdOf(entry.value);
      break;
    case "sequence_start":
      read.isSequenceStart = entry.value === true;
      break;
    case "sequence_end":
      read.isSequenceEnd = entry.value === true;
      break;
    default:
      read.wantsEmptyFinalResponse = entry.value === true;
  }
}

/** Ids are unsigned, but the protocol has only a signed field for them: its bits count. */
function correlationIdOf(value: ParameterValue): CorrelationId {
  if (typeof value === "string") return value;
  const id = typeof value === "bigint" ? value : Number(value);
  return id < 0 ? BigInt.asUintN(64, BigInt(id)) : id;
}

/** Throws unless the parameter may be sent like this. Returns whether it is one for the backend. */
function checkType(entry: ParameterEntry): boolean {
  const { key, choice } = entry;
  const types = typesByName.get(key);
  if (types === undefined && (key.startsWith("triton_") || key === "headers")) {
    throw new StatusError(
      "INVALID_ARG",
      `Parameter "${key}" is reserved for Triton usage: choose a name that is not "headers" and does not start with "triton_"`,
    );
  }
  const allowed = types ?? customTypes;
  if (!allowed.includes(choice)) {
    throw new StatusError(
      "INVALID_ARG",
      `Parameter "${key}" has invalid type: expected ${allowed.join(" or ")}, got ${choice === "none" ? "no value" : choice}`,
    );
  }
  return types === undefined;
}

/** An integer parameter. Beyond 2^53 it is not exact, but still beyond every limit it is compared with. */
function notNegative(entry: ParameterEntry): number {
  const value = Number(entry.value);
  if (value < 0) {
    throw new StatusError(
      "INVALID_ARG",
      `Parameter "${entry.key}" must not be negative, got ${entry.value.toString()}`,
    );
  }
  return value;
}
