const zero = 0x30;

/** `00`, `01` … `99`: two characters for each number below 100. */
const pairs = Buffer.from(Array.from({ length: 100 }, (_, n) => String(n).padStart(2, "0")).join(""));

/** Writes `value` below 10^8 with leading zeros, as eight digits. */
export function writeEightDigits(bytes: Uint8Array, at: number, value: number): void {
  const upper = (value / 10_000) | 0;
  writeFourDigits(bytes, at, upper);
  writeFourDigits(bytes, at + 4, value - upper * 10_000);
}

function writeFourDigits(bytes: Uint8Array, at: number, value: number): void {
  const upper = (value / 100) | 0;
  const lower = value - upper * 100;
  bytes[at] = pairs[2 * upper]!;
  bytes[at + 1] = pairs[2 * upper + 1]!;
  bytes[at + 2] = pairs[2 * lower]!;
  bytes[at + 3] = pairs[2 * lower + 1]!;
}

/**
 * Writes a safe integer in decimal.
 *
 * @param bytes - Must have room for 17 bytes.
 * @returns The position behind it.
 */
export function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  if (rest < 0) {
    bytes[at++] = 0x2d;
    rest = -rest;
  }
  if (rest >= 1e8) {
    const upper = Math.floor(rest / 1e8);
    at = writeInteger(bytes, at, upper);
    writeEightDigits(bytes, at, rest - upper * 1e8);
    return at + 8;
  }
  let digitCount = 1;
  for (let limit = 10; rest >= limit; limit *= 10) digitCount++;
  for (let i = at + digitCount - 1; i >= at; i--) {
    const shorter = (rest / 10) | 0;
    bytes[i] = zero + rest - shorter * 10;
    rest = shorter;
  }
  return at + digitCount;
}
