import { type Failure, failure } from "../../core/status.ts";

/** A compression of HTTP bodies, under its name in the headers. `deflate` is the zlib format, as HTTP has it. */
export type Compression = "gzip" | "deflate";

/** What requests may be compressed with: the value of `Accept-Encoding` in a reply to anything else. */
export const acceptedEncodings = "gzip, deflate";

/**
 * Reads a request's `Content-Encoding`.
 *
 * @param value - "" when there is none.
 * @returns `null` for a body that is as it is, or UNSUPPORTED.
 */
export function parseContentEncoding(value: string): Compression | null | Failure {
  if (value === "" || value === "identity") return null;
  if (value === "gzip" || value === "deflate") return value;
  return failure(
    "UNSUPPORTED",
    `Content-Encoding '${value}' is not supported: send the body as it is, or compressed with one of ${acceptedEncodings}`,
  );
}

/** An entry of `Accept-Encoding`: coding and weight. Whatever else it says makes it malformed. */
const acceptedEntry = /^\s*(identity|deflate|gzip)\s*(?:;\s*q=(\d+(?:\.\d*)?|\.\d+)\s*)?$/;

/**
 * Chooses the compression of a response: the entry with the highest weight, of equal ones the first. An entry with
 * weight 0, a malformed one and an unknown one are passed over, `*` among them.
 *
 * @param value - The request's `Accept-Encoding`, "" when there is none.
 * @returns `null` for a body as it is.
 * @see contract §1.3
 */
export function chooseResponseCompression(value: string): Compression | null {
  let chosen: Compression | null = null;
  let highest = 0;
  for (const entry of value.split(",")) {
    const [, coding, weightText = "1"] = acceptedEntry.exec(entry) ?? [];
    const weight = Number(weightText);
    if (coding === undefined || weight <= highest) continue;
    highest = weight;
    chosen = coding === "gzip" || coding === "deflate" ? coding : null;
  }
  return chosen;
}
