import { type Failure, failure } from "./status.ts";

/**
 * BYTES tensors on the wire: for each element a uint32 (little-endian) byte length, then that many bytes.
 * The last element ends exactly where the data ends.
 */
export const bytesElementHeader = 4;
const lengthBytes = bytesElementHeader;

/**
 * Checks that `data` is exactly `expectedCount` well-formed elements.
 *
 * @returns `null` when it is; otherwise an INVALID_ARG failure in Triton's words, so that clients which match
 * on the text keep working.
 */
export function checkBytesElements(
  data: Uint8Array,
  expectedCount: number,
  inputName: string,
): Failure | null {
  let offset = 0;
  let count = 0;
  while (offset < data.byteLength) {
    if (offset + lengthBytes > data.byteLength) {
      return failure(
        "INVALID_ARG",
        `incomplete string length indicator for inference input '${inputName}', expecting ${lengthBytes} bytes but only ${data.byteLength - offset} bytes available`,
      );
    }
    const length = bytesElementLength(data, offset);
    offset += lengthBytes;
    if (offset + length > data.byteLength) {
      return failure(
        "INVALID_ARG",
        `incomplete string data for inference input '${inputName}', expecting string of length ${length} but only ${data.byteLength - offset} bytes available`,
      );
    }
    offset += length;
    count++;
    if (count > expectedCount) {
      return failure(
        "INVALID_ARG",
        `unexpected number of string elements ${count} for inference input '${inputName}', expecting ${expectedCount}`,
      );
    }
  }
  if (count !== expectedCount) {
    return failure(
      "INVALID_ARG",
      `expected ${expectedCount} string elements for inference input '${inputName}', got ${count}`,
    );
  }
  return null;
}

/** Length of the element whose header is at `offset`: uint32, little-endian. Without building a DataView per call. */
export function bytesElementLength(data: Uint8Array, offset: number): number {
  return (
    data[offset]! + data[offset + 1]! * 0x100 + data[offset + 2]! * 0x10000 + data[offset + 3]! * 0x1000000
  );
}

/**
 * Views of the elements, without their lengths.
 *
 * @param data - Well-formed elements: checked by {@link checkBytesElements} before.
 * @returns Views on `data`; nothing is copied.
 */
export function splitBytesElements(data: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  let offset = 0;
  while (offset < data.byteLength) {
    const length = bytesElementLength(data, offset);
    offset += lengthBytes;
    elements.push(data.subarray(offset, offset + length));
    offset += length;
  }
  return elements;
}

/** Joins elements into wire form. The result is newly allocated and owned by the caller. */
export function joinBytesElements(elements: readonly Uint8Array[]): Uint8Array {
  let total = 0;
  for (const element of elements) total += lengthBytes + element.byteLength;
  const out = new Uint8Array(total);
  let offset = 0;
  for (const element of elements) {
    const length = element.byteLength;
    out[offset] = length & 0xff;
    out[offset + 1] = (length >>> 8) & 0xff;
    out[offset + 2] = (length >>> 16) & 0xff;
    out[offset + 3] = (length >>> 24) & 0xff;
    out.set(element, offset + lengthBytes);
    offset += lengthBytes + length;
  }
  return out;
}
