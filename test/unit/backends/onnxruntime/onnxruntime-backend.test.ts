import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, it } from "mocha";
import { onnxRuntimeBackend } from "../../../../backends/onnxruntime/onnxruntime-backend.ts";

describe("onnxRuntimeBackend", () => {
  it("has the defaults of Triton's backend", () => {
    assert.deepEqual(onnxRuntimeBackend.platforms, ["onnxruntime_onnx"]);
    assert.equal(onnxRuntimeBackend.defaultModelFilename, "model.onnx");
    assert.equal(onnxRuntimeBackend.defaultCpuInstanceCount, 2);
  });

  it("points to the module that its workers import", () => {
    assert.ok(existsSync(fileURLToPath(onnxRuntimeBackend.instanceModuleUrl)));
  });

  it("tells the runtime's version", () => {
    assert.match(onnxRuntimeBackend.describe(), /^ONNX Runtime \d+\.\d+\.\d+; CPU/);
  });
});
