import { StatusError } from "../../core/status.ts";
import {
  type LoadParameterReader,
  type LoadParameters,
  readLoadParameters,
} from "../../repository/model-load-request.ts";
import { asObject, type JsonObject, kindOf, readObject } from "./json-object.ts";

/**
 * Reads the body of `POST /v2/repository/index`: empty, or `{"ready": bool}`.
 *
 * @returns Whether only ready versions are wanted.
 * @throws StatusError INVALID_ARG
 */
export function readIndexRequest(body: Uint8Array): boolean {
  return booleanMember(readObject(body), "ready");
}

/**
 * Reads the body of a load: empty, or `{"parameters": {"config": "…", "file:1/model.onnx": "<base64>"}}`.
 *
 * @throws StatusError INVALID_ARG
 */
export function readLoadRequest(body: Uint8Array): LoadParameters {
  return readLoadParameters(Object.entries(parametersOf(readObject(body))), jsonParameters);
}

/**
 * Reads the body of an unload: empty, or `{"parameters": {"unload_dependents": bool}}`.
 *
 * @returns Whether models go too that were loaded only because of this one.
 * @throws StatusError INVALID_ARG
 */
export function readUnloadRequest(body: Uint8Array): boolean {
  return booleanMember(parametersOf(readObject(body)), "unload_dependents");
}

const jsonParameters: LoadParameterReader<unknown> = {
  text: (key, value) => {
    if (typeof value === "string") return value;
    throw new StatusError("INVALID_ARG", `load parameter '${key}' must be a string, got ${kindOf(value)}`);
  },
  bytes: (key, value) => decodeBase64(key, jsonParameters.text(key, value)),
};

/** Node skips what is not base64; here it is refused, because a file with a hole fails in ways that nobody understands. */
function decodeBase64(key: string, text: string): Uint8Array {
  const digitCount = text.length - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0);
  const bytes = Buffer.from(text, "base64");
  // Four digits are three bytes, and one digit alone is none.
  if (bytes.length === Math.floor((digitCount * 3) / 4) && digitCount % 4 !== 1) return bytes;
  throw new StatusError("INVALID_ARG", `load parameter '${key}' is not base64`);
}

function parametersOf(document: JsonObject): JsonObject {
  const parameters = document["parameters"];
  return parameters === undefined ? {} : asObject(parameters, "'parameters'");
}

/** `false` when the member is not there. */
function booleanMember(object: JsonObject, key: string): boolean {
  const value = object[key] ?? false;
  if (typeof value === "boolean") return value;
  throw new StatusError("INVALID_ARG", `Unable to parse '${key}': expected a boolean, got ${kindOf(value)}`);
}
