import { compileHeaderPattern } from "../header-forwarder.ts";
import { type OptionValue, ValueProblem } from "./option-value.ts";

/** A pattern for header names; the empty text means none. */
export const headerPatternValue: OptionValue<string> = {
  placeholder: "<regex>",
  allowed: "a regular expression of JavaScript",
  isRepeatable: false,
  read: (text) => {
    try {
      compileHeaderPattern(text);
      return text;
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      return new ValueProblem(
        `expects a regular expression of JavaScript, got ${JSON.stringify(text)}: ${reason}`,
      );
    }
  },
};
