import { type Failure, failure, type StatusCode, StatusError } from "../../server/core/status.ts";
import type { InferError } from "./javascript-model.ts";

const codes: ReadonlySet<string> = new Set<StatusCode>([
  "UNKNOWN",
  "INTERNAL",
  "NOT_FOUND",
  "INVALID_ARG",
  "UNAVAILABLE",
  "UNSUPPORTED",
  "ALREADY_EXISTS",
  "CANCELLED",
]);

/** What anything that a model threw or gave as an error means to the client: its own `code`, else INTERNAL. */
export function failureOf(thrown: unknown): Failure {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : null;
  return failure(typeof code === "string" && codes.has(code) ? (code as StatusCode) : "INTERNAL", message);
}

/** The failure of a call, for the model to catch. */
export function inferError({ code, message }: Failure): InferError {
  return new StatusError(code, message);
}
