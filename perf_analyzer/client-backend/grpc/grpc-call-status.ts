const statusNames = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** gRPC's number for "the server has no such method". */
export const unimplemented = 12;

/** What headers and trailers of HTTP/2 say about how a call goes. */
export class GrpcCallStatus {
  /** gRPC's number; `null` until it is known, and for a call that ends without one. */
  code: number | null = null;
  /** Of a status other than OK, or why there is none. */
  message = "the stream ended without a gRPC status";
  /** The `grpc-encoding` of the responses. */
  encoding = "identity";

  /** Of the response's headers; a call without a message has its status there too. */
  readHeaders(headers: Readonly<Record<string, unknown>>): void {
    const encoding = headers["grpc-encoding"];
    if (typeof encoding === "string") this.encoding = encoding;
    const httpStatus = headers[":status"];
    if (httpStatus !== 200) this.message = `HTTP status ${String(httpStatus)}: is this the gRPC port?`;
    this.readTrailers(headers);
  }

  readTrailers(trailers: Readonly<Record<string, unknown>>): void {
    const status = trailers["grpc-status"];
    if (status === undefined) return;
    this.code = Number(status);
    const message = trailers["grpc-message"];
    this.message = typeof message === "string" ? decodePercent(message) : "";
  }

  /** The call ends without a status, for this reason. */
  fail(reason: string): void {
    this.code = null;
    this.message = reason;
  }
}

/** A status and what it is called. @param code - `null` for a call that ended without one. */
export function describeGrpcStatus(code: number | null, message: string): string {
  return code === null ? message : `gRPC ${statusNames[code] ?? code}: ${message}`;
}

/** gRPC messages are percent-encoded. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
