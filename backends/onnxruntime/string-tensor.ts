import { isUtf8 } from "node:buffer";
import { bytesElementHeader, bytesElementLength } from "../../server/core/bytes-elements.ts";
import { type Failure, failure } from "../../server/core/status.ts";
import type { Tensor } from "../../server/core/tensor.ts";

/** From this length on the engine's own search is faster than a loop. */
const longElementBytes = 64;
/** UTF-8 takes at most three bytes for each unit of a string. */
const maxUnitBytes = 3;

/**
 * Refuses what ONNX Runtime's Node binding would silently change: bytes that are not UTF-8 (it would put
 * replacement characters) and NUL characters (it cuts the string there). Checked per request, before a batch is
 * formed, so that one client's bytes cannot fail the others' requests.
 *
 * @param tensor - A BYTES tensor whose elements are well-formed.
 */
export function checkStringTensor(tensor: Tensor): Failure | null {
  const { data } = tensor;
  let index = 0;
  for (let offset = 0; offset < data.byteLength; index++) {
    const start = offset + bytesElementHeader;
    offset = start + bytesElementLength(data, offset);
    if (offset - start < longElementBytes && isPlainAscii(data, start, offset)) continue;
    const element = data.subarray(start, offset);
    const problem = element.includes(0) ? "holds a NUL byte" : isUtf8(element) ? null : "is not valid UTF-8";
    if (problem !== null) {
      return failure(
        "INVALID_ARG",
        `element ${index} of input '${tensor.name}' ${problem}, which ONNX Runtime's Node binding cannot carry`,
      );
    }
  }
  return null;
}

/** Whether the bytes are ASCII without NUL, as most elements are. */
function isPlainAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0 || byte > 0x7f) return false;
  }
  return true;
}

/** Wire-form BYTES elements, checked by {@link checkStringTensor}, as the strings that the binding wants. */
export function decodeStringTensor(data: Uint8Array): string[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const strings: string[] = [];
  for (let offset = 0; offset < bytes.byteLength; ) {
    const start = offset + bytesElementHeader;
    offset = start + bytesElementLength(bytes, offset);
    // Keeps a leading byte order mark, which is the client's data like everything else; TextDecoder would not.
    strings.push(bytes.toString("utf8", start, offset));
  }
  return strings;
}

/** Strings in wire form: UTF-8 with length prefixes. Newly allocated, perhaps as a view on more memory. */
export function encodeStringTensor(strings: readonly string[]): Uint8Array {
  let room = 0;
  for (const text of strings) room += bytesElementHeader + text.length * maxUnitBytes;
  const bytes = Buffer.allocUnsafe(room);
  let end = 0;
  for (const text of strings) {
    const start = end + bytesElementHeader;
    const byteCount = bytes.write(text, start);
    bytes.writeUInt32LE(byteCount, end);
    end = start + byteCount;
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, end);
}
