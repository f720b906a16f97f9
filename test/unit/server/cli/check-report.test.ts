import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { formatReport, renderReport } from "../../../../server/cli/check-report.ts";
import { isSound, type ModelReport, type RepositoryReport } from "../../../../server/cli/repository-check.ts";

const good: ModelReport = {
  name: "good",
  directory: "r/good",
  versions: ["1", "3"],
  platform: "onnxruntime_onnx",
  problems: [],
  warnings: ["mind this"],
};
const bad: ModelReport = {
  name: "bad",
  directory: "r/bad",
  versions: [],
  platform: "",
  problems: [
    {
      text: "wrong type",
      file: "r/bad/config.pbtxt",
      place: { line: 3, column: 5 },
      path: "input[0].data_type",
      found: "TYPE_FP32",
      model: "TYPE_INT32",
      fix: "write TYPE_INT32",
    },
    { text: "something else", file: null, place: null },
  ],
  warnings: [],
};
const report: RepositoryReport = {
  problems: [{ text: "no such repository", file: "nowhere", place: null, fix: "name one" }],
  models: [bad, good],
};

describe("formatReport", () => {
  it("has a block for each model and a line that sums up", () => {
    assert.equal(
      formatReport(report),
      `no such repository
  at:     nowhere
  fix:    name one

bad: 2 problems
  r/bad
  - wrong type
      at:     r/bad/config.pbtxt, line 3, column 5, input[0].data_type
      config: TYPE_FP32
      model:  TYPE_INT32
      fix:    write TYPE_INT32
  - something else

good: ok (onnxruntime_onnx, versions 1, 3)
  r/good
  - warning: mind this

2 models checked, 3 problems in 1 model: bad.
`,
    );
  });

  it("is short for nothing", () => {
    assert.equal(formatReport({ problems: [], models: [] }), "0 models checked, no problems.\n");
  });

  it("counts problems outside of models", () => {
    assert.match(formatReport({ ...report, models: [good] }), /1 model checked, 1 problem in 0 models\.\n$/);
  });
});

describe("renderReport", () => {
  it("has every part of a problem", () => {
    const json = JSON.parse(renderReport(report)) as { ok: boolean; models: { problems: object[] }[] };
    assert.equal(json.ok, false);
    assert.deepEqual(json.models[0]?.problems[0], {
      message: "wrong type",
      file: "r/bad/config.pbtxt",
      line: 3,
      column: 5,
      path: "input[0].data_type",
      found: "TYPE_FP32",
      model: "TYPE_INT32",
      fix: "write TYPE_INT32",
    });
  });
});

describe("isSound", () => {
  it("looks at models and repositories, and not at warnings", () => {
    assert.equal(isSound({ problems: [], models: [good] }), true);
    assert.equal(isSound({ problems: [], models: [good, bad] }), false);
    assert.equal(isSound({ ...report, models: [good] }), false);
  });
});
