import { StatusError } from "../core/status.ts";
import type { Tensor } from "../core/tensor.ts";
import type { DecodedInferRequest } from "../http/codec/decoded-infer-request.ts";
import { InferHeaderCache } from "../http/codec/infer-header-cache.ts";
import { decodeInferRequest } from "../http/codec/infer-request-decoder.ts";
import { JsonReader } from "../http/codec/json-reader.ts";

/** How far a floating-point number may be from the expected one: `absolute + relative × |expected|`. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** A request whose right answer is known. */
export interface GoldenRequest {
  readonly request: DecodedInferRequest;
  /** Outputs that the answer must have, in any order. Others may be there as well. */
  readonly expected: readonly Tensor[];
  readonly tolerance: Tolerance;
}

/** What other processors and other versions of a runtime differ by in single precision, and no more. */
const defaultTolerance: Tolerance = { absolute: 1e-6, relative: 1e-5 };

/** Tensors that a file may make, as for requests over HTTP. */
const maxInputBytes = 64 * 1024 * 1024;

/** All JSON, nothing behind it. */
const allJson = -1;

/**
 * Reads a golden request:
 *
 * ```
 * { "request": {the body of an infer request}, "response": {"outputs": […], …}, "tolerance": {"absolute": 0, "relative": 0} }
 * ```
 *
 * `response` may be an answer of a server as it came, of which only `outputs` is compared.
 *
 * @param text - UTF-8.
 * @throws StatusError INVALID_ARG that says what is wrong, without the file's name.
 */
export function readGoldenRequest(text: Uint8Array): GoldenRequest {
  const bytes = Buffer.from(text);
  const members = membersOf(bytes, "the file", ["request", "response", "tolerance"]);
  const request = members.get("request");
  const response = members.get("response");
  if (request === undefined || response === undefined) {
    throw new StatusError("INVALID_ARG", `the file needs both "request" and "response"`);
  }
  const outputs = membersOf(response, "response", null).get("outputs");
  if (outputs === undefined) throw new StatusError("INVALID_ARG", `"response" has no "outputs"`);
  // Inputs and outputs are written alike.
  const asInputs = Buffer.concat([Buffer.from('{"inputs":'), outputs, Buffer.from("}")]);
  return {
    request: within("request", () => decode(request)),
    expected: within("response.outputs", () => decode(asInputs).inputs),
    tolerance: readTolerance(members.get("tolerance")),
  };
}

function decode(body: Buffer): DecodedInferRequest {
  const headerCache = new InferHeaderCache();
  const decoded = decodeInferRequest({ body, headerBytes: allJson, maxInputBytes, headerCache });
  if (decoded.sharedMemory === null) return decoded;
  throw new StatusError("INVALID_ARG", "tensors in shared memory cannot be used here: write their data");
}

function within<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw new StatusError("INVALID_ARG", `"${place}": ${StatusError.from(thrown).message}`);
  }
}

/**
 * The texts of an object's members. Numbers keep all their digits that way.
 *
 * @param known - The names that are allowed; `null`: any.
 */
function membersOf(object: Buffer, place: string, known: readonly string[] | null): Map<string, Buffer> {
  const reader = new JsonReader(object, 0, object.byteLength);
  const members = new Map<string, Buffer>();
  for (let key = reader.enterObject(place); key !== null; key = reader.nextKey()) {
    if (known?.includes(key) === false) {
      throw new StatusError("INVALID_ARG", `unknown member "${key}": there are ${known.join(", ")}`);
    }
    const start = reader.position;
    reader.skipValue(key);
    members.set(key, object.subarray(start, reader.position));
  }
  reader.expectEnd();
  return members;
}

function readTolerance(text: Buffer | undefined): Tolerance {
  if (text === undefined) return defaultTolerance;
  const given = membersOf(text, "tolerance", ["absolute", "relative"]);
  const read = (name: keyof Tolerance): number => {
    const value = Number(given.get(name)?.toString() ?? 0);
    if (value >= 0 && Number.isFinite(value)) return value;
    throw new StatusError(
      "INVALID_ARG",
      `"tolerance.${name}" must be a number from 0, got ${String(given.get(name))}`,
    );
  };
  return { absolute: read("absolute"), relative: read("relative") };
}
