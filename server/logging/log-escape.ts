/**
 * What JSON leaves as it is but a terminal or a log viewer acts on: DEL, the C1 controls (0x9b starts a terminal
 * sequence) and the two Unicode line ends.
 */
const unescapedByJson = /[\u007f-\u009f\u2028\u2029]/g;

/** The message as a JSON string, quotes included: one line of printable characters, whatever a client put into it. */
export function quoteMessage(message: string): string {
  return JSON.stringify(message).replace(unescapedByJson, escapeCharacter);
}

/** Control characters and line ends as `\uXXXX`; everything else stays as it is. */
export function escapeControlCharacters(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
