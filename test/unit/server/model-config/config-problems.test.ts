import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ConfigError, ConfigProblems } from "../../../../server/model-config/config-problems.ts";
import { SourcePlaces } from "../../../../server/model-config/source-places.ts";

function errorOf(problems: ConfigProblems): ConfigError {
  try {
    problems.throwIfAny();
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error;
  }
  assert.fail("nothing was thrown");
}

const places = new SourcePlaces();
places.set("input[0]", { line: 7, column: 3 });
const source = { file: "m/config.pbtxt", places };

describe("ConfigProblems", () => {
  it("throws nothing while nothing is wrong", () => {
    const problems = new ConfigProblems("f");
    problems.throwIfAny();
    assert.equal(problems.isEmpty, true);
  });

  it("has a line per problem, and the worst code", () => {
    const problems = new ConfigProblems("f");
    problems.unsupported("a");
    assert.deepEqual([errorOf(problems).code, errorOf(problems).message], ["UNSUPPORTED", "f: a"]);
    problems.invalid("b");
    assert.deepEqual([errorOf(problems).code, errorOf(problems).message], ["INVALID_ARG", "f: a\nf: b"]);
  });

  it("adds the place of the first path that a text quotes", () => {
    const problems = new ConfigProblems(source.file, source);
    problems.invalid('"input[0].dims" must be "x"');
    problems.invalid('"output" is missing');
    assert.equal(
      errorOf(problems).message,
      'm/config.pbtxt: line 7, column 3: "input[0].dims" must be "x"\nm/config.pbtxt: "output" is missing',
    );
  });

  it("names the file as well when the model is the subject", () => {
    const problems = new ConfigProblems("model 'm'", source);
    problems.invalid("wrong type", { path: "input[0].data_type", fix: "write another" });
    const error = errorOf(problems);
    assert.equal(error.message, "model 'm': wrong type (m/config.pbtxt, line 7, column 3)");
    assert.deepEqual(error.problems, [
      {
        path: "input[0].data_type",
        fix: "write another",
        text: "wrong type",
        file: "m/config.pbtxt",
        place: { line: 7, column: 3 },
      },
    ]);
  });
});
