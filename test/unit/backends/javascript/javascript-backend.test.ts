import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, it } from "mocha";
import { javaScriptBackend } from "../../../../backends/javascript/javascript-backend.ts";
import { makeModelConfig, makeSequenceBatching } from "../../../helpers/model-config.ts";

describe("javaScriptBackend", () => {
  const resolve = (parts: Parameters<typeof makeModelConfig>[0], settings = new Map<string, string>()) =>
    javaScriptBackend.resolveSettings(makeModelConfig(parts), settings);

  it("names a module that is there", () => {
    assert.ok(existsSync(fileURLToPath(javaScriptBackend.instanceModuleUrl)));
    assert.match(javaScriptBackend.describe(), /^Node\.js v\d+/);
  });

  it("leaves every parameter to the model, and survives cloning", () => {
    const { options } = resolve(
      { parameters: new Map([["anything", "goes"]]) },
      new Map([["auto-complete-config", "true"]]),
    );
    const cloned = structuredClone(options) as {
      config: { parameters: object };
      isAutoCompleteEnabled: boolean;
    };
    assert.deepEqual(cloned.config.parameters, { anything: { string_value: "goes" } });
    assert.equal(cloned.isAutoCompleteEnabled, true);
  });

  it("refuses what it would ignore", () => {
    const gpu = {
      name: "g",
      kind: "KIND_GPU",
      count: 1,
      gpus: [],
      isPassive: false,
      rateLimiter: null,
    } as const;
    const counts = {
      kind: "BATCH_ELEMENT_COUNT",
      targetName: ["N"],
      datatype: "INT32",
      sourceInput: "INPUT0",
    } as const;
    assert.throws(() => resolve({ batchInput: [counts] }), { message: /get each request by itself/ });
    const corrid = {
      name: "ID",
      kind: "CONTROL_SEQUENCE_CORRID",
      datatype: "UINT64",
      falseTrue: null,
    } as const;
    assert.throws(() => resolve({ sequenceBatching: makeSequenceBatching({ controlInput: [corrid] }) }), {
      message: /sequence_batching\.control_input has no meaning .*find correlationId/,
    });
    assert.throws(() => resolve({ instanceGroup: [gpu] }), {
      code: "UNSUPPORTED",
      message: /run on the CPU/,
    });
    assert.throws(() => resolve({ optimization: { graphLevel: 1, eagerBatching: false } }), {
      message: /optimization\.graph\.level has no meaning/,
    });
  });
});
