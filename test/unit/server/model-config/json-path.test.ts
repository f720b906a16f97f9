import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  childPath,
  firstQuotedPath,
  parentPath,
  quotePath,
} from "../../../../server/model-config/json-path.ts";

describe("childPath", () => {
  it("writes names, positions and other keys", () => {
    assert.equal(childPath(childPath(childPath("", "input"), 0), "dims"), "input[0].dims");
    assert.equal(childPath("parameters", 'a."b"'), 'parameters["a.\\"b\\""]');
  });
});

describe("parentPath", () => {
  it("undoes childPath", () => {
    const key = fc.oneof(fc.nat({ max: 99 }), fc.string(), fc.constantFrom("name", "a.b", 'x"]'));
    fc.assert(
      fc.property(fc.array(key, { maxLength: 4 }), key, (keys, last) => {
        const parent = keys.reduce<string>(childPath, "input");
        assert.equal(parentPath(childPath(parent, last)), parent);
      }),
    );
  });

  it("ends at the fields of the outermost value", () => {
    assert.equal(parentPath("input"), null);
    assert.equal(parentPath(""), null);
    assert.equal(parentPath("input and more"), null);
  });
});

describe("firstQuotedPath", () => {
  it("finds what a message is about", () => {
    const path = 'parameters["a \\"b"].string_value';
    assert.equal(firstQuotedPath(`${quotePath(path)} must be "x", got "y"`), path);
    assert.equal(firstQuotedPath('unknown field "input[0].nam", did you mean "name"?'), "input[0].nam");
    assert.equal(firstQuotedPath("the configuration must be an object, got a list"), null);
  });
});
