/** The head of an HTTP/1.1 response, as far as a client of the protocol needs it. */
export interface HttpResponseHead {
  readonly status: number;
  /** `null`: see {@link isChunked}. */
  readonly contentLength: number | null;
  readonly isChunked: boolean;
  /** Whether the server will close the connection after it. */
  readonly isLast: boolean;
  /** Whether the body is a stream of events. */
  readonly isEventStream: boolean;
  /** `Inference-Header-Content-Length`; `null` when the body is all JSON. */
  readonly jsonByteLength: number | null;
}

function header(head: string, name: string): string | null {
  return new RegExp(`\\r\\n${name}:[ \\t]*([^\\r\\n]*)`, "i").exec(head)?.[1]?.trim() ?? null;
}

/**
 * @param head - The status line and headers, without the empty line.
 * @throws Error when it is not HTTP/1.
 */
export function parseHttpResponseHead(head: string): HttpResponseHead {
  const statusLine = /^HTTP\/1\.([01]) (\d{3})/.exec(head);
  if (statusLine === null)
    throw new Error(`The server does not speak HTTP/1: ${JSON.stringify(head.slice(0, 60))}`);
  const length = header(head, "content-length");
  const json = header(head, "inference-header-content-length");
  const connection = header(head, "connection")?.toLowerCase() ?? "";
  return {
    status: Number(statusLine[2]),
    contentLength: length === null ? null : Number(length),
    isChunked: header(head, "transfer-encoding")?.toLowerCase().includes("chunked") === true,
    isLast: connection.includes("close") || (statusLine[1] === "0" && !connection.includes("keep-alive")),
    isEventStream: header(head, "content-type")?.toLowerCase().startsWith("text/event-stream") === true,
    jsonByteLength: json === null ? null : Number(json),
  };
}
