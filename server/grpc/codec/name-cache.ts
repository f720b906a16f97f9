/** Longer texts are rarely names, and comparing them would cost as much as decoding them. */
const longestCachedBytes = 48;

/** A power of two. Names that fall on the same slot displace each other, which only costs time. */
const slots: string[] = new Array<string>(256).fill("");

/**
 * Decodes a name that requests repeat (models, tensors, parameters): the same few bytes arrive with each request, and
 * comparing them with a string that is there already costs a fraction of decoding them again. It also gives Map
 * look-ups a string whose hash is known.
 *
 * @remarks The cache holds at most 256 strings of 48 characters, whatever clients send.
 *
 * @param bytes - Lends the bytes; not retained.
 * @param start - Of the UTF-8 text.
 * @param end - After its last byte.
 */
export function decodeName(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return "";
  if (length > longestCachedBytes) return bytes.toString("utf8", start, end);
  // Tensor names often differ in the last character only.
  const hash = length * 31 + bytes[start]! * 7 + bytes[start + (length >> 1)]! * 17 + bytes[end - 1]! * 131;
  const slot = hash & (slots.length - 1);
  const cached = slots[slot]!;
  if (cached.length === length && equalsBytes(cached, bytes, start)) return cached;
  const text = bytes.toString("utf8", start, end);
  // Only ASCII can be found again: any other text has fewer characters than bytes, or differs from them.
  slots[slot] = text;
  return text;
}

function equalsBytes(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
