import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { allBackends } from "../../../backends/backend-registry.ts";

describe("allBackends", () => {
  it("has onnxruntime", () => {
    assert.ok(allBackends().some(({ name }) => name === "onnxruntime"));
  });

  it("has no name and no platform twice: what a config names must be one backend", () => {
    for (const keys of [
      allBackends().map(({ name }) => name),
      allBackends().flatMap(({ platforms }) => platforms),
    ]) {
      assert.equal(new Set(keys).size, keys.length, keys.join());
    }
  });
});
