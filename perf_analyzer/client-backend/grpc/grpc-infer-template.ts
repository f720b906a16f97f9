import type { RequestInput } from "../../infer-data/request-input.ts";
import type { RequestParameter } from "../../options/analyzer-options.ts";
import type { RequestPlaces, TensorPlace } from "../../shared-memory/shared-layout.ts";
import type { SequencePosition } from "../exchange.ts";
import { encodeMessage } from "./grpc-messages.ts";

/** Whom a request is for, and what every request of the run carries. */
export interface GrpcRequestHeader {
  readonly modelName: string;
  /** "" for the server's choice. */
  readonly modelVersion: string;
  readonly parameters: readonly RequestParameter[];
}

/**
 * The message of a request, encoded but for what changes from request to request.
 *
 * @param places - Where the tensors lie; `null`: inside the messages.
 */
export function grpcInferTemplate(
  header: GrpcRequestHeader,
  inputs: readonly RequestInput[],
  outputNames: readonly string[],
  places: RequestPlaces | null,
): Uint8Array {
  return encodeMessage("ModelInferRequest", {
    model_name: header.modelName,
    model_version: header.modelVersion,
    parameters: Object.fromEntries(header.parameters.map(({ name, value }) => [name, parameterOf(value)])),
    inputs: inputs.map(({ name, datatype, shape }, i) => ({
      name,
      datatype,
      shape,
      ...placeFields(places?.inputs[i]),
    })),
    outputs: outputNames.map((name, i) => ({ name, ...placeFields(places?.outputs[i]) })),
    raw_input_contents: places === null ? inputs.map(({ data }) => data) : [],
  });
}

function placeFields(place: TensorPlace | undefined): Record<string, unknown> {
  if (place === undefined) return {};
  return {
    parameters: {
      shared_memory_region: { string_param: place.region },
      shared_memory_byte_size: { int64_param: place.byteSize },
      shared_memory_offset: { int64_param: place.offset },
    },
  };
}

function parameterOf(value: RequestParameter["value"]): Record<string, unknown> {
  if (typeof value === "boolean") return { bool_param: value };
  return typeof value === "bigint" ? { int64_param: value.toString() } : { string_param: value };
}

/** The message of a request in a sequence: protobuf lets fields of a map follow anywhere, so they are put behind it. */
export function withSequence(template: Uint8Array, sequence: SequencePosition): Uint8Array {
  const parameters = encodeMessage("ModelInferRequest", { parameters: sequenceParameters(sequence) });
  return Buffer.concat([template, parameters]);
}

/** What is put before the template of a request on a stream: by its id the responses are told apart. */
export function streamRequestFields(id: string, sequence: SequencePosition | null): Uint8Array {
  return encodeMessage("ModelInferRequest", {
    id,
    parameters: {
      // A decoupled model may end a request without a response: that has to be told.
      triton_enable_empty_final_response: { bool_param: true },
      ...(sequence === null ? {} : sequenceParameters(sequence)),
    },
  });
}

function sequenceParameters({ id, isStart, isEnd }: SequencePosition): Record<string, unknown> {
  return {
    sequence_id: { int64_param: String(id) },
    sequence_start: { bool_param: isStart },
    sequence_end: { bool_param: isEnd },
  };
}
