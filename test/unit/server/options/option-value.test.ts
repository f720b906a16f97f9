import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  booleanValue,
  choiceValue,
  integerValue,
  type OptionValue,
  optionalPathValue,
  portValue,
  presenceValue,
  textListValue,
  textValue,
  ValueProblem,
  verbosityValue,
} from "../../../../server/options/option-value.ts";

function read<T>(value: OptionValue<T>, text: string, previous: T): T | string {
  const result = value.read(text, previous);
  return result instanceof ValueProblem ? `problem: ${result.message}` : result;
}

describe("booleanValue", () => {
  it("booleanValue accepts all spellings in any letter case", () => {
    for (const text of ["true", "on", "1", "TRUE", "On"])
      assert.equal(read(booleanValue, text, false), true, text);
    for (const text of ["false", "off", "0", "False", "OFF"])
      assert.equal(read(booleanValue, text, true), false, text);
  });

  it("booleanValue refuses anything else", () => {
    for (const text of ["", "yes", "2", "t", " true"]) {
      assert.equal(
        read(booleanValue, text, true),
        `problem: expects true, on, 1, false, off or 0 in any letter case, got "${text}"`,
      );
    }
  });
});

describe("integerValue", () => {
  it("integerValue accepts both ends of its range and a sign", () => {
    const value = integerValue(-2, 10);
    assert.equal(read(value, "-2", 0), -2);
    assert.equal(read(value, "10", 0), 10);
    assert.equal(read(value, "+7", 0), 7);
    assert.equal(read(value, "007", 0), 7);
  });

  it("integerValue refuses what is out of range or no integer", () => {
    for (const text of ["-3", "11", "", "1.0", "1e1", "0x1", "5 ", "--5", "99999999999999999999"]) {
      assert.equal(
        read(integerValue(-2, 10), text, 0),
        `problem: expects an integer from -2 to 10, got ${JSON.stringify(text)}`,
      );
    }
  });
});

describe("portValue", () => {
  it("portValue leaves the range to the check of enabled listeners", () => {
    assert.equal(read(portValue, "70000", 0), 70_000);
    for (const text of ["http", "99999999999999999999"]) {
      assert.match(String(read(portValue, text, 0)), /expects an integer from 0 to 65535/);
    }
  });
});

describe("verbosityValue", () => {
  it("verbosityValue accepts levels and booleans", () => {
    const cases: [string, number][] = [
      ["0", 0],
      ["1", 1],
      ["3", 3],
      ["true", 1],
      ["ON", 1],
      ["false", 0],
      ["off", 0],
    ];
    for (const [text, level] of cases) assert.equal(read(verbosityValue, text, 9), level, text);
  });

  it("verbosityValue refuses negative levels and other words", () => {
    for (const text of ["-1", "high", "1.5", "2147483648"]) {
      assert.match(String(read(verbosityValue, text, 0)), /^problem: expects an integer from 0/);
    }
  });
});

describe("textValue", () => {
  it("textValue refuses the empty text only", () => {
    assert.equal(read(textValue("<x>"), " ", ""), " ");
    assert.equal(read(textValue("<x>"), "", ""), 'problem: expects a value that is not empty, got ""');
  });
});

describe("optionalPathValue", () => {
  it("optionalPathValue takes the empty text for none", () => {
    assert.equal(read(optionalPathValue, "", "x"), null);
    assert.equal(read(optionalPathValue, "a.log", null), "a.log");
  });
});

describe("choiceValue", () => {
  const value = choiceValue(["none", "poll", "explicit"]);

  it("choiceValue accepts its words in their letter case only", () => {
    assert.equal(read(value, "poll", "none"), "poll");
    assert.equal(
      read(value, "POLL", "none"),
      'problem: expects none, poll or explicit, got "POLL"; did you mean poll?',
    );
  });

  it("choiceValue suggests nothing for a word far from all", () => {
    assert.equal(
      read(value, "sometimes", "none"),
      'problem: expects none, poll or explicit, got "sometimes"',
    );
  });
});

describe("presenceValue", () => {
  it("presenceValue gives its value and takes no argument", () => {
    const value = presenceValue(false);
    assert.equal(value.placeholder, null);
    assert.equal(read(value, "", true), false);
  });
});

describe("textListValue", () => {
  it("textListValue appends to a new list", () => {
    const previous = ["a"];
    assert.deepEqual(read(textListValue("<x>"), "b", previous), ["a", "b"]);
    assert.deepEqual(previous, ["a"]);
    assert.equal(textListValue("<x>").isRepeatable, true);
  });

  it("textListValue refuses the empty text", () => {
    assert.equal(read(textListValue("<x>"), "", []), 'problem: expects a value that is not empty, got ""');
  });
});
