import { StatusError } from "../../core/status.ts";
import {
  type LoadParameterReader,
  type LoadParameters,
  readLoadParameters,
} from "../../repository/model-load-request.ts";

/** A `ModelRepositoryParameter`: one member, or none. */
export interface RepositoryParameter {
  readonly bool_param?: boolean;
  readonly int64_param?: number;
  readonly string_param?: string;
  readonly bytes_param?: Uint8Array;
}

/** A `RepositoryIndexRequest`. */
export interface RepositoryIndexMessage {
  readonly repository_name: string;
  readonly ready: boolean;
}

/** A `RepositoryModelLoadRequest` or `RepositoryModelUnloadRequest`. */
export interface RepositoryModelMessage {
  readonly repository_name: string;
  readonly model_name: string;
  readonly parameters: Readonly<Record<string, RepositoryParameter>>;
}

/**
 * Reads the parameters of a load: `config` as a text, `file:<version>/<path>` as bytes.
 *
 * @throws StatusError INVALID_ARG
 */
export function loadParametersOf(message: RepositoryModelMessage): LoadParameters {
  return readLoadParameters(Object.entries(message.parameters), protoParameters);
}

/**
 * Reads the parameters of an unload. Others than `unload_dependents` are not looked at, as in Triton.
 *
 * @returns Whether models go too that were loaded only because of this one.
 * @throws StatusError INVALID_ARG
 */
export function readUnloadParameters(message: RepositoryModelMessage): boolean {
  const parameter = message.parameters["unload_dependents"];
  if (parameter === undefined) return false;
  if (parameter.bool_param !== undefined) return parameter.bool_param;
  throw wrongType("unload", "unload_dependents", "bool_param");
}

const protoParameters: LoadParameterReader<RepositoryParameter> = {
  text: (key, { string_param: text }) => {
    if (text === undefined) throw wrongType("load", key, "string_param");
    return text;
  },
  bytes: (key, { bytes_param: bytes }) => {
    if (bytes === undefined) throw wrongType("load", key, "bytes_param");
    return bytes;
  },
};

function wrongType(operation: string, key: string, expected: string): StatusError {
  return new StatusError(
    "INVALID_ARG",
    `invalid value type for ${operation} parameter '${key}', expected ${expected}`,
  );
}
