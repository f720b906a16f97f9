import { isUtf8 } from "node:buffer";
import { joinBytesElements, splitBytesElements } from "../../server/core/bytes-elements.ts";
import { type Failure, failure } from "../../server/core/status.ts";
import type { Tensor } from "../../server/core/tensor.ts";

const encoder = new TextEncoder();
/** `ignoreBOM` keeps a leading byte order mark, which is the client's data like everything else. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Refuses what ONNX Runtime's Node binding would silently change: bytes that are not UTF-8 (it would put
 * replacement characters) and NUL characters (it cuts the string there). Checked per request, before a batch is
 * formed, so that one client's bytes cannot fail the others' requests.
 *
 * @param tensor - A BYTES tensor whose elements are well-formed.
 */
export function checkStringTensor(tensor: Tensor): Failure | null {
  const elements = splitBytesElements(tensor.data);
  for (const [index, element] of elements.entries()) {
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

/** Wire-form BYTES elements, checked by {@link checkStringTensor}, as the strings that the binding wants. */
export function decodeStringTensor(data: Uint8Array): string[] {
  return splitBytesElements(data).map((element) => decoder.decode(element));
}

/** Strings in wire form: UTF-8 with length prefixes. Newly allocated. */
export function encodeStringTensor(strings: readonly string[]): Uint8Array {
  return joinBytesElements(strings.map((text) => encoder.encode(text)));
}
