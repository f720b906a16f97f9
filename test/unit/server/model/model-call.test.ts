import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failure } from "../../../../server/core/status.ts";
import { callerOf } from "../../../../server/model/model-call.ts";
import { ManualModel } from "../../../helpers/manual-model.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";

const request = () => makeRequest({ inputs: [fp32Tensor("INPUT0", [1, 4], [1, 2, 3, 4])] }).request;

describe("callerOf", () => {
  it("hands requests to the model, as any other", () => {
    const { model, clock, instance } = new ManualModel();
    const asked: string[] = [];
    const call = callerOf((name, version) => {
      asked.push(name, version);
      return model;
    });
    assert.equal(call("m", "1", request(), false), null);
    clock.endTurn();
    assert.deepEqual([asked, instance.executed.length], [["m", "1"], 1]);
  });

  it("passes refusals on", () => {
    const unknown = failure("NOT_FOUND", "no such model");
    assert.equal(callerOf(() => unknown)("m", "", request(), true), unknown);
  });

  it("refuses decoupled models unless the caller can take several responses", () => {
    const { model } = new ManualModel({ isDecoupled: true });
    const call = callerOf(() => model);
    assert.equal(call("m", "", request(), false)?.code, "UNSUPPORTED");
    assert.equal(call("m", "", request(), true), null);
  });
});
