import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { FieldNumbers } from "../../../../../server/model-config/pbtxt/field-numbers.ts";

describe("FieldNumbers", () => {
  const config = FieldNumbers.ofModelConfig();

  it("knows the fields of the configuration and of its messages", () => {
    assert.equal(config.nameOf(4), "max_batch_size");
    assert.equal(config.ofField("input").nameOf(2), "data_type");
    assert.equal(config.ofField("parameters").nameOf(1), "string_value");
  });

  it("has none for numbers that are not used, scalars and unknown fields", () => {
    assert.equal(config.nameOf(99), null);
    assert.equal(config.ofField("name").nameOf(1), null);
    assert.equal(config.ofField("nothing").ofField("at_all").nameOf(1), null);
  });
});
