import type { StatusCode } from "../core/status.ts";

/** The HTTP status line of each error class. A new class does not compile until it is mapped. @see contract §1.2 */
export const httpStatusLine: Readonly<Record<StatusCode, string>> = {
  UNKNOWN: "400 Bad Request",
  INTERNAL: "500 Internal Server Error",
  NOT_FOUND: "404 Not Found",
  INVALID_ARG: "400 Bad Request",
  UNAVAILABLE: "503 Service Unavailable",
  UNSUPPORTED: "501 Not Implemented",
  ALREADY_EXISTS: "400 Bad Request",
  CANCELLED: "400 Bad Request",
};
