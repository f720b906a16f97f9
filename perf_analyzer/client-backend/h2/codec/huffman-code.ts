/** How many bits each octet takes, by its value. The code is canonical, so the lengths are all of it. @see RFC 7541, appendix B */
const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

const longestCode = 30;

/** The codes of one length are consecutive: the first of them, how many there are, and where their octets begin. */
const firstCode = new Uint32Array(longestCode + 1);
const codeCount = new Uint32Array(longestCode + 1);
const firstOctet = new Uint32Array(longestCode + 1);
const octets = new Uint8Array(codeLengths.length);

{
  let code = 0;
  let position = 0;
  for (let length = 1; length <= longestCode; length++) {
    code *= 2;
    firstCode[length] = code;
    firstOctet[length] = position;
    codeLengths.forEach((each, octet) => {
      if (each === length) octets[position++] = octet;
    });
    codeCount[length] = position - firstOctet[length]!;
    code += codeCount[length]!;
  }
}

/**
 * The text of a string that is compressed with HPACK's code.
 *
 * @throws Error when it ends in the middle of a code, or its padding is not of ones.
 */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = "";
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      length++;
      if (length > longestCode) throw new Error("a compressed header has an unknown code");
      const offset = code - firstCode[length]!;
      if (offset < codeCount[length]!) {
        text += String.fromCharCode(octets[firstOctet[length]! + offset]!);
        code = 0;
        length = 0;
      }
    }
  }
  if (length > 7 || code !== 2 ** length - 1) throw new Error("a compressed header is cut off");
  return text;
}
