import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { mergeCompletion } from "../../../../server/model-config/config-completion.ts";

describe("mergeCompletion", () => {
  it("adds what the author left out, and no more", () => {
    assert.deepEqual(
      mergeCompletion({ max_batch_size: 2 }, { max_batch_size: 8, dynamic_batching: {} }, "m"),
      { max_batch_size: 2, dynamic_batching: {} },
    );
  });

  it("checks what the model says, and names it", () => {
    assert.throws(() => mergeCompletion({}, { input: [{ name: "" }] }, "m"), {
      code: "INVALID_ARG",
      message: /^what the model 'm' adds to its configuration: /,
    });
    assert.throws(() => mergeCompletion({}, { backend: "onnxruntime", name: "x" }, "m"), {
      message: /may not set 'backend'.*\n.*may not set 'name'/,
    });
  });
});
