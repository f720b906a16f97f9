import { failure } from "../core/status.ts";

/** What every call and every message of a stream gets once the server has begun to shut down. */
export const exitingFailure = failure("UNAVAILABLE", "Server is shutting down and takes no new requests");
