import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  type OnnxRuntimeOptions,
  resolveOnnxRuntimeSettings,
} from "../../../../backends/onnxruntime/onnxruntime-options.ts";
import { makeInput, makeModelConfig } from "../../../helpers/model-config.ts";

function resolve(
  parameters: Record<string, string>,
  server: Record<string, string> = {},
  graphLevel = 0,
): { intraOpThreadCount: number | null; options: OnnxRuntimeOptions } {
  const config = makeModelConfig({
    parameters: new Map(Object.entries(parameters)),
    optimization: { graphLevel, eagerBatching: false },
  });
  const settings = resolveOnnxRuntimeSettings(config, new Map(Object.entries(server)));
  return { intraOpThreadCount: settings.intraOpThreadCount, options: settings.options as OnnxRuntimeOptions };
}

describe("resolveOnnxRuntimeSettings", () => {
  it("refuses optional inputs of a model that batches", () => {
    const input = [makeInput("a"), makeInput("b", { isOptional: true })];
    assert.doesNotThrow(() =>
      resolveOnnxRuntimeSettings(makeModelConfig({ maxBatchSize: 0, input }), new Map()),
    );
    assert.throws(() => resolveOnnxRuntimeSettings(makeModelConfig({ input }), new Map()), {
      code: "INVALID_ARG",
      message: "model 'm': input[1].optional needs max_batch_size 0 with the onnxruntime backend, got 8",
    });
  });

  it("leaves threads to the core budget and the rest to the runtime's defaults", () => {
    assert.deepEqual(resolve({}), {
      intraOpThreadCount: null,
      options: {
        interOpThreadCount: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        isMemoryArenaEnabled: null,
        isMemoryPatternEnabled: null,
      },
    });
  });

  it("reads every parameter", () => {
    const { intraOpThreadCount, options } = resolve({
      intra_op_thread_count: "3",
      inter_op_thread_count: "2",
      execution_mode: "1",
      enable_mem_arena: "0",
      enable_mem_pattern: "1",
    });
    assert.equal(intraOpThreadCount, 3);
    assert.deepEqual(options, {
      interOpThreadCount: 2,
      executionMode: "parallel",
      graphOptimizationLevel: "all",
      isMemoryArenaEnabled: false,
      isMemoryPatternEnabled: true,
    });
  });

  it("takes thread counts from the command line where the model has none", () => {
    const server = { intra_op_thread_count: "4", inter_op_thread_count: "5" };
    assert.equal(resolve({}, server).intraOpThreadCount, 4);
    assert.equal(resolve({}, server).options.interOpThreadCount, 5);
    assert.equal(resolve({ intra_op_thread_count: "2" }, server).intraOpThreadCount, 2);
    assert.equal(resolve({ intra_op_thread_count: "0" }, server).intraOpThreadCount, null);
  });

  it("reads the graph level as Triton's backend does", () => {
    const levels = [-1, 0, 1, 2].map((level) => resolve({}, {}, level).options.graphOptimizationLevel);
    assert.deepEqual(levels, ["basic", "all", "extended", "disabled"]);
  });

  it("survives structured cloning, for the way to the worker", () => {
    const { options } = resolve({ execution_mode: "1" });
    assert.deepEqual(structuredClone(options), options);
  });

  it("refuses values that it does not understand and says what is allowed", () => {
    for (const [parameters, message] of [
      [
        { intra_op_thread_count: "two" },
        `model 'm': parameters["intra_op_thread_count"] is "two", expected a count from 0 to 1024`,
      ],
      [
        { inter_op_thread_count: "-1" },
        `model 'm': parameters["inter_op_thread_count"] is "-1", expected a count from 0 to 1024`,
      ],
      [
        { intra_op_thread_count: "1025" },
        `model 'm': parameters["intra_op_thread_count"] is "1025", expected a count from 0 to 1024`,
      ],
      [
        { intra_op_thread_count: "" },
        `model 'm': parameters["intra_op_thread_count"] is "", expected a count from 0 to 1024`,
      ],
      [{ execution_mode: "2" }, `model 'm': parameters["execution_mode"] is "2", expected "0" or "1"`],
      [
        { enable_mem_arena: "true" },
        `model 'm': parameters["enable_mem_arena"] is "true", expected "0" or "1"`,
      ],
    ] as const) {
      assert.throws(() => resolve(parameters), { name: "StatusError", code: "INVALID_ARG", message });
    }
    assert.throws(() => resolve({}, {}, 3), {
      code: "INVALID_ARG",
      message: `model 'm': optimization.graph.level is "3", expected -1, 0, 1 or 2`,
    });
  });

  it("refuses parameters that it does not know, with a suggestion where there is one", () => {
    assert.throws(() => resolve({ intra_op_thread_cuont: "1" }), {
      code: "INVALID_ARG",
      message: /parameters\["intra_op_thread_cuont"\] is not known .* did you mean "intra_op_thread_count"\?/,
    });
    assert.throws(() => resolve({ colour: "1" }), {
      code: "INVALID_ARG",
      message: /Known: intra_op_thread_count, /,
    });
  });

  it("refuses Triton's other parameters by name", () => {
    assert.throws(() => resolve({ gpu_mem_limit: "1" }), { code: "UNSUPPORTED", message: /gpu_mem_limit/ });
  });
});
