/** A header as HTTP/2 has it: names in lower case, pseudo headers with their colon. */
export type HeaderField = readonly [name: string, value: string];

/** Fields that both sides know by their number, which begins at 1. @see RFC 7541, appendix A */
const pseudo: readonly HeaderField[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  ...["200", "204", "206", "304", "400", "404", "500"].map((status): HeaderField => [":status", status]),
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
];

const names =
  "accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control " +
  "content-disposition content-encoding content-language content-length content-location content-range content-type " +
  "cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since " +
  "last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after " +
  "server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate";

/** The field with number n stands at n - 1. */
export const staticTable: readonly HeaderField[] = [
  ...pseudo,
  ...names.split(" ").map((name): HeaderField => [name, ""]),
];

/** The number of a field whose name and value are known, or 0. */
export function staticFieldIndex([name, value]: HeaderField): number {
  return staticTable.findIndex((field) => field[0] === name && field[1] === value) + 1;
}

/** The number of a field with a known name, or 0. */
export function staticNameIndex(wanted: string): number {
  return staticTable.findIndex(([name]) => name === wanted) + 1;
}
