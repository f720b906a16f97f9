import { StatusError } from "../../core/status.ts";

/** A JSON object as `JSON.parse` gives it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a body that is one JSON object; an empty body is an object without members. For extensions, which are called by
 * people and scripts and not thousands of times a second.
 *
 * @throws StatusError INVALID_ARG
 */
export function readObject(body: Uint8Array): JsonObject {
  if (body.byteLength === 0) return {};
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch (thrown) {
    const { message } = StatusError.from(thrown);
    throw new StatusError("INVALID_ARG", `failed to parse the request JSON buffer: ${message}`);
  }
  return asObject(document, "the request");
}

/** @param what - For the message. @throws StatusError INVALID_ARG for anything but an object. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new StatusError("INVALID_ARG", `Unable to parse ${what}: expected an object, got ${kindOf(value)}`);
}

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
