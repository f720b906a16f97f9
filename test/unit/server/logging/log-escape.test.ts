import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { escapeControlCharacters, quoteMessage } from "../../../../server/logging/log-escape.ts";

/** Everything that could end a line or move a terminal's cursor. */
const controls = Array.from("\u0000\u0007\b\t\n\v\f\r\u001b\u001f\u007f\u0080\u009b\u009f\u2028\u2029");

describe("quoteMessage", () => {
  it("quoteMessage makes a JSON string that reads back as the message", () => {
    const message = `a "b" \\ ${controls.join("")} é 漢 🙂`;
    assert.equal(JSON.parse(quoteMessage(message)), message);
  });

  it("quoteMessage leaves no control character and no line end", () => {
    for (const control of controls) {
      assert.doesNotMatch(
        quoteMessage(`a${control}b`),
        /[\p{Cc}\u2028\u2029]/u,
        control.charCodeAt(0).toString(16),
      );
    }
  });

  it("quoteMessage leaves printable text as it is", () => {
    assert.equal(quoteMessage("é 漢 🙂 / '"), `"é 漢 🙂 / '"`);
  });
});

describe("escapeControlCharacters", () => {
  it("escapeControlCharacters writes them as code points and nothing else", () => {
    assert.equal(escapeControlCharacters('a\n"b"\u009b\\é\u2028'), 'a\\u000a"b"\\u009b\\é\\u2028');
    for (const control of controls) assert.match(escapeControlCharacters(control), /^\\u[0-9a-f]{4}$/);
  });
});
