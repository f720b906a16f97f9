import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failure, StatusError } from "../../../server/core/status.ts";
import { isFailure } from "../../../server/data-plane.ts";
import { ManualModel } from "../../helpers/manual-model.ts";

describe("isFailure", () => {
  it("tells failures from models, metadata and booleans", () => {
    assert.ok(isFailure(failure("NOT_FOUND", "x")));
    assert.ok(isFailure(new StatusError("INTERNAL", "x").toFailure()));
    assert.ok(!isFailure(new ManualModel().model));
    assert.ok(!isFailure({ name: "m", versions: [], platform: "", inputs: [], outputs: [] }));
    assert.ok(!isFailure(true));
    assert.ok(!isFailure(false));
  });
});
