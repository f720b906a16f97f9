import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ConfigProblems } from "../../../../server/model-config/config-problems.ts";
import type { BatchInput, ModelConfig } from "../../../../server/model-config/model-config.ts";
import { checkAgainstSignature } from "../../../../server/model-config/signature-check.ts";
import type { SignatureTensor } from "../../../../server/model-config/model-signature.ts";
import { validateBatchTensors } from "../../../../server/model-config/validate-batch-tensors.ts";
import { makeInput, makeModelConfig, makeOutput } from "../../../helpers/model-config.ts";

function linesOf(check: (problems: ConfigProblems) => void): string[] {
  const problems = new ConfigProblems("f");
  check(problems);
  try {
    problems.throwIfAny();
    return [];
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return thrown.message.split("\n").map((line) => line.slice("f: ".length));
  }
}

function problemsOf(parts: Partial<ModelConfig>): string[] {
  return linesOf((problems) => validateBatchTensors(makeModelConfig(parts), problems));
}

function counts(parts: Partial<BatchInput> = {}): BatchInput {
  return {
    kind: "BATCH_ELEMENT_COUNT",
    targetName: ["COUNTS"],
    datatype: "INT32",
    sourceInput: "INPUT0",
    ...parts,
  };
}

const ragged = makeInput("INPUT0", { dims: [-1], allowRaggedBatch: true });

describe("validateBatchTensors", () => {
  it("accepts ragged inputs with batch inputs and outputs", () => {
    const batchOutput = [{ targetName: ["OUTPUT0"], sourceInput: "INPUT0" }];
    assert.deepEqual(problemsOf({ input: [ragged], batchInput: [counts()], batchOutput }), []);
  });

  it("refuses them for a model that does not batch", () => {
    const text = "needs a max_batch_size above 0: without it there are no batches";
    assert.deepEqual(problemsOf({ maxBatchSize: 0, input: [ragged], batchInput: [counts()] }), [
      `"input[0].allow_ragged_batch" ${text}`,
      `"batch_input" ${text}`,
    ]);
    // The batch size may still be read from the model.
    assert.deepEqual(problemsOf({ maxBatchSize: 0, input: [], batchInput: [counts()] }), []);
  });

  it("refuses types of batch inputs but INT32 and FP32", () => {
    assert.deepEqual(problemsOf({ batchInput: [counts({ datatype: "FP32" })] }), []);
    assert.deepEqual(problemsOf({ batchInput: [counts({ datatype: "INT64" })] }), [
      '"batch_input[0].data_type" must be TYPE_INT32 or TYPE_FP32, got TYPE_INT64',
    ]);
  });

  it("refuses sources that do not exist", () => {
    const batchOutput = [{ targetName: ["OUTPUT0"], sourceInput: "b" }];
    assert.deepEqual(problemsOf({ batchInput: [counts({ sourceInput: "a" })], batchOutput }), [
      "\"batch_input[0].source_input\": there is no input 'a', inputs are: INPUT0",
      "\"batch_output[0].source_input\": there is no input 'b', inputs are: INPUT0",
    ]);
  });

  it("refuses targets that are something else, or twice one", () => {
    const batchInput = [counts({ targetName: ["INPUT0", "A"] }), counts({ targetName: ["A"] })];
    assert.deepEqual(problemsOf({ batchInput }), [
      "\"batch_input[0].target_name\": 'INPUT0' is an input that clients send",
      "\"batch_input[1].target_name\": 'A' is the target of another one too",
    ]);
    const batchOutput = [{ targetName: ["OUTPUT0", "B", "OUTPUT0"], sourceInput: "INPUT0" }];
    assert.deepEqual(problemsOf({ batchOutput }), [
      "\"batch_output[0].target_name\": there is no output 'B'",
      "\"batch_output[0].target_name\": 'OUTPUT0' is the target of another one too",
    ]);
  });

  it("refuses a cut output with a variable dimension that its input does not have", () => {
    const output = [makeOutput("OUTPUT0", { dims: [4, -1] })];
    const batchOutput = [{ targetName: ["OUTPUT0"], sourceInput: "INPUT0" }];
    assert.deepEqual(problemsOf({ input: [ragged], output, batchOutput }), [
      "\"batch_output[0]\": dims[1] of output 'OUTPUT0' varies, and input 'INPUT0' has only 1 dims to take its size from",
    ]);
  });
});

describe("checkAgainstSignature of batch inputs", () => {
  function tensor(name: string, datatype: "FP32" | "INT32", shape: number[] | null): SignatureTensor {
    return { name, datatype, modelType: datatype, shape };
  }
  const flat = tensor("INPUT0", "FP32", [-1]);
  const output = tensor("OUTPUT0", "FP32", [-1, 4]);

  function differences(parts: Partial<ModelConfig>, inputs: SignatureTensor[], out = output): string[] {
    const config = makeModelConfig({ input: [ragged], ...parts });
    return linesOf((problems) => checkAgainstSignature(config, { inputs, outputs: [out] }, problems));
  }

  it("takes models whose ragged inputs are flat", () => {
    const batchInput = [counts(), counts({ kind: "BATCH_ITEM_SHAPE", targetName: ["SHAPES"] })];
    const inputs = [flat, tensor("COUNTS", "INT32", [-1]), tensor("SHAPES", "INT32", [-1, 1])];
    assert.deepEqual(differences({ batchInput }, inputs), []);
    const batchOutput = [{ targetName: ["OUTPUT0"], sourceInput: "INPUT0" }];
    assert.deepEqual(differences({ batchOutput }, [flat], tensor("OUTPUT0", "FP32", [-1])), []);
  });

  it("refuses ragged inputs of another shape", () => {
    assert.deepEqual(differences({}, [tensor("INPUT0", "FP32", [-1, -1])]), [
      "ragged input 'INPUT0': the model has to take the shape [-1], but it expects [-1,-1]",
    ]);
  });

  it("refuses targets that the model lacks, or has with another type or shape", () => {
    assert.deepEqual(differences({ batchInput: [counts()] }, [flat, tensor("OTHER", "INT32", [-1])]), [
      "batch_input target 'COUNTS' is no input of the model, its inputs are: INPUT0, OTHER",
    ]);
    assert.deepEqual(differences({ batchInput: [counts()] }, [flat, tensor("COUNTS", "FP32", [4])]), [
      "batch_input target 'COUNTS': configuration expects datatype TYPE_INT32, model provides TYPE_FP32",
      "batch_input target 'COUNTS' of kind BATCH_ELEMENT_COUNT: the model has to take the shape [-1], but it expects [4]",
    ]);
  });

  it("counts batch inputs with the others", () => {
    assert.deepEqual(differences({}, [flat, tensor("COUNTS", "INT32", [-1])]), [
      "configuration expects 1 inputs, model provides 2; missing in the configuration: 'COUNTS'",
    ]);
  });
});
