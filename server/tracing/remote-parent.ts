/** The span of a client that a request belongs to, as W3C Trace Context carries it. */
export interface RemoteParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly traceFlags: number;
  /** The header `tracestate` as it came; "" for none. */
  readonly traceState: string;
}

/** Version, trace id, parent id, flags; versions after 00 may have more. */
const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads the headers `traceparent` and `tracestate`.
 *
 * @returns `null` without a valid `traceparent`: the request is then the first of its trace.
 * @see https://www.w3.org/TR/trace-context/
 */
export function parseRemoteParent(parentHeader: string, traceState: string): RemoteParent | null {
  const [, version, traceId = "", spanId = "", flags = "", rest] =
    traceparent.exec(parentHeader.trim()) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), traceState };
}
