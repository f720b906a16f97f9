import type { RequestInput } from "../../infer-data/request-input.ts";
import type { RequestParameter } from "../../options/analyzer-options.ts";
import type { SequencePosition } from "../exchange.ts";
import { encodeMessage } from "./grpc-messages.ts";

/** Whom a request is for, and what every request of the run carries. */
export interface GrpcRequestHeader {
  readonly modelName: string;
  /** "" for the server's choice. */
  readonly modelVersion: string;
  readonly parameters: readonly RequestParameter[];
}

/** The message of a request, encoded but for what changes from request to request. */
export function grpcInferTemplate(
  header: GrpcRequestHeader,
  inputs: readonly RequestInput[],
  outputNames: readonly string[],
): Uint8Array {
  return encodeMessage("ModelInferRequest", {
    model_name: header.modelName,
    model_version: header.modelVersion,
    parameters: Object.fromEntries(header.parameters.map(({ name, value }) => [name, parameterOf(value)])),
    inputs: inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    outputs: outputNames.map((name) => ({ name })),
    raw_input_contents: inputs.map(({ data }) => data),
  });
}

function parameterOf(value: RequestParameter["value"]): Record<string, unknown> {
  if (typeof value === "boolean") return { bool_param: value };
  return typeof value === "bigint" ? { int64_param: value.toString() } : { string_param: value };
}

/** The message of a request in a sequence: protobuf lets fields of a map follow anywhere, so they are put behind it. */
export function withSequence(template: Uint8Array, sequence: SequencePosition): Uint8Array {
  const parameters = encodeMessage("ModelInferRequest", {
    parameters: {
      sequence_id: { int64_param: String(sequence.id) },
      sequence_start: { bool_param: sequence.isStart },
      sequence_end: { bool_param: sequence.isEnd },
    },
  });
  return Buffer.concat([template, parameters]);
}
