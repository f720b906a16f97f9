import { StatusError } from "../../core/status.ts";
import type { CudaRegionInit, SystemRegionInit } from "../../shared-memory/shared-memory-region.ts";
import { asObject, type JsonObject, kindOf, readObject } from "./json-object.ts";

/**
 * Reads the body that registers system shared memory: `{"key": "/k", "offset": 0, "byte_size": 64}`, offset optional.
 *
 * @param name - From the path.
 * @throws StatusError INVALID_ARG
 */
export function readSystemRegion(name: string, body: Uint8Array): SystemRegionInit {
  const object = readObject(body);
  const offset = object["offset"] === undefined ? 0 : unsignedMember(object, "offset");
  return { name, key: textMember(object, "key"), offset, byteSize: unsignedMember(object, "byte_size") };
}

/**
 * Reads the body that registers CUDA memory: `{"raw_handle": {"b64": "…"}, "device_id": 0, "byte_size": 64}`.
 *
 * @param name - From the path.
 * @throws StatusError INVALID_ARG
 */
export function readCudaRegion(name: string, body: Uint8Array): CudaRegionInit {
  const object = readObject(body);
  const handle = textMember(asObject(object["raw_handle"], "'raw_handle'"), "b64");
  return {
    name,
    rawHandle: Buffer.from(handle, "base64"),
    deviceId: unsignedMember(object, "device_id"),
    byteSize: unsignedMember(object, "byte_size"),
  };
}

function textMember(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value === "string") return value;
  throw wrongMember(key, "a string", value);
}

function unsignedMember(object: JsonObject, key: string): number {
  const value = object[key];
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw wrongMember(key, "an unsigned integer", value);
}

function wrongMember(key: string, expected: string, value: unknown): StatusError {
  const got =
    value === undefined ? "it is not there" : `got ${typeof value === "number" ? value : kindOf(value)}`;
  return new StatusError("INVALID_ARG", `Unable to parse '${key}': expected ${expected}, ${got}`);
}
