import { type Failure, failure } from "./status.ts";

/**
 * The failure with the id of the request that it belongs to in front of its message, as Triton's core writes it:
 * `[request id: 42] …`.
 *
 * @remarks
 * For failures of validation, scheduling and execution. What a front end finds before a request exists (an unknown
 * model, a body that cannot be read) carries no prefix.
 *
 * @param id - As the client sent it; "" is written as `<id_unknown>`.
 */
export function withRequestId(id: string, cause: Failure): Failure {
  return failure(cause.code, `[request id: ${id === "" ? "<id_unknown>" : id}] ${cause.message}`);
}
