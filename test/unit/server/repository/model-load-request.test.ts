import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { checkModelName, readLoadParameters } from "../../../../server/repository/model-load-request.ts";

const reader = {
  text: (_key: string, value: string) => value,
  bytes: (_key: string, value: string) => Buffer.from(value),
};

describe("readLoadParameters", () => {
  it("sorts the config from the files", () => {
    const entries = Object.entries({ config: "{}", "file:1/model.onnx": "x" });
    assert.deepEqual(readLoadParameters(entries, reader), {
      configOverride: "{}",
      files: new Map([["1/model.onnx", Buffer.from("x")]]),
    });
    assert.deepEqual(readLoadParameters([], reader), { configOverride: null, files: new Map() });
  });

  it("refuses other parameters", () => {
    assert.throws(() => readLoadParameters([["File:1", ""]], reader), {
      code: "INVALID_ARG",
      message: /^unrecognized load parameter 'File:1'/,
    });
  });
});

describe("checkModelName", () => {
  it("looks at the name without the white space around it", () => {
    assert.equal(checkModelName(" m "), null);
    assert.equal(checkModelName("..m"), null);
    assert.match(checkModelName(" .. ")?.message ?? "", /path traversal/);
    assert.match(checkModelName("\n")?.message ?? "", /empty/);
  });
});
