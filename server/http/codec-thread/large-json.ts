import { dataTypeByteSize } from "../../core/data-type.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import type { OutputEncodings } from "../codec/output-encodings.ts";

/**
 * From here on JSON is read by the codec thread: its parsing would take the event loop about 0.4 ms, while the trip to
 * the thread and back costs 0.1 to 0.2 ms of waiting and next to no processor time. See docs/performance.md.
 */
const largeJsonBytes = 64 * 1024;

/** The same for writing, in elements: each becomes 2 to 20 bytes of JSON. */
const largeElementCount = 8 * 1024;

/** Whether reading this much JSON is left to the codec thread. */
export function isLargeJson(byteCount: number): boolean {
  return byteCount > largeJsonBytes;
}

/** A string is a few bytes, which cost less than an element, and a length. */
const bytesPerString = 8;

/**
 * Whether writing this response is left to the codec thread. Only outputs in JSON count: binary ones are copied.
 */
export function isLargeJsonResponse(response: InferenceResponse, encodings: OutputEncodings): boolean {
  let byteCount = 0;
  for (const { data } of response.outputs) byteCount += data.byteLength;
  // Nearly all responses end here: no element is smaller than a byte.
  if (byteCount <= largeElementCount) return false;
  let elementCount = 0;
  for (const { data, datatype, name } of response.outputs) {
    if (encodings.of(name) === "binary") continue;
    elementCount += data.byteLength / (dataTypeByteSize[datatype] || bytesPerString);
  }
  return elementCount > largeElementCount;
}
