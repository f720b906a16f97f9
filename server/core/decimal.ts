const zero = 0x30;
/** More digits may not be exact in a double. */
const maxDigits = 15;

/**
 * The number that a text of decimal digits says.
 *
 * @returns -1 when the text is empty, longer than 15 digits, or holds anything but digits. Without a regular
 * expression, which would cost more than everything else that is done with a header.
 */
export function parseDecimal(text: string): number {
  if (text.length === 0 || text.length > maxDigits) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - zero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
