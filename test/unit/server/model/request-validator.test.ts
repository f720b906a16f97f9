import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import { type DataType, dataTypeByteSize } from "../../../../server/core/data-type.ts";
import type { CorrelationId } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { validateRequest, type ValidatedModel } from "../../../../server/model/request-validator.ts";
import type { ModelTensor } from "../../../../server/model/served-model.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

interface TensorSketch {
  readonly datatype?: DataType;
  readonly shape?: readonly number[];
  readonly isOptional?: boolean;
}

function modelOf(
  maxBatchSize: number,
  inputs: Record<string, TensorSketch>,
  outputs: readonly string[] = ["OUTPUT0", "OUTPUT1"],
): ValidatedModel {
  const tensor = (name: string, sketch: TensorSketch): ModelTensor => ({
    name,
    datatype: sketch.datatype ?? "FP32",
    shape: sketch.shape ?? (maxBatchSize > 0 ? [-1, 4] : [4]),
    isOptional: sketch.isOptional ?? false,
  });
  return {
    name: "m",
    maxBatchSize,
    inputs: Object.entries(inputs).map(([name, sketch]) => tensor(name, sketch)),
    outputs: outputs.map((name) => tensor(name, {})),
    inputIndex: (name) => Object.keys(inputs).indexOf(name),
    outputIndex: (name) => outputs.indexOf(name),
    checkBytesInput: null,
    correlationIdInput: null,
  };
}

describe("validateRequest of correlation ids", () => {
  const takes = (datatype: DataType): ValidatedModel => ({
    ...modelOf(0, {}, []),
    correlationIdInput: { name: "CORRID", datatype },
  });
  const validate = (model: ValidatedModel, correlationId: CorrelationId) =>
    validateRequest(makeRequest({ correlationId }).request, model);

  it("refuses the kind that the control input does not take (row 145)", () => {
    for (const datatype of ["UINT64", "INT64", "UINT32", "INT32"] as const) {
      assert.equal(validate(takes(datatype), 7), null);
      assert.equal(validate(takes(datatype), 2n ** 63n), null);
      assert.deepEqual(
        validate(takes(datatype), "seven"),
        failure(
          "INVALID_ARG",
          `correlation ID data-type mismatch for model 'm': the request's is a string, but the control input 'CORRID' takes ${datatype}`,
        ),
      );
    }
    assert.equal(validate(takes("BYTES"), "7"), null);
    assert.match(validate(takes("BYTES"), 7)?.message ?? "", /is an integer, but .*'CORRID' takes BYTES/);
  });

  it("leaves it to the scheduler whether there has to be one, and takes any without such an input", () => {
    for (const none of [0, ""]) assert.equal(validate(takes("BYTES"), none), null);
    for (const any of [1, "a"]) assert.equal(validate(modelOf(0, {}, []), any), null);
  });
});

const batching = modelOf(8, { INPUT0: {}, INPUT1: {} });

/** A tensor of zeros. */
function zeros(name: string, shape: number[], datatype: DataType = "FP32"): Tensor {
  const count = shape.reduce((product, dim) => product * Math.max(0, dim), 1);
  return new Tensor(name, datatype, shape, new Uint8Array(count * dataTypeByteSize[datatype]));
}

/** Validates a request. @returns The message of its refusal, "" when it is accepted. */
function check(model: ValidatedModel, inputs: Tensor[], requestedOutputs: string[] = []) {
  const { request, sink } = makeRequest({ inputs, requestedOutputs, batchSize: 99 });
  const failed = validateRequest(request, model);
  if (failed !== null) assert.equal(failed.code, "INVALID_ARG");
  assert.equal(sink.answerCount, 0);
  return { message: failed?.message ?? "", request };
}

function both(shape: number[] = [2, 4]): Tensor[] {
  return [zeros("INPUT0", shape), zeros("INPUT1", shape)];
}

describe("validateRequest", () => {
  it("accepts a request that fits, and sets its batch size and outputs", () => {
    const { message, request } = check(batching, both([3, 4]));
    assert.equal(message, "");
    assert.equal(request.batchSize, 3);
    assert.equal(request.outputMask, -1);
  });

  it("keeps the list of inputs when they come in the config's order", () => {
    const inputs = both();
    assert.equal(check(batching, inputs).request.inputs, inputs);
  });

  it("puts the inputs in the config's order", () => {
    const { message, request } = check(batching, both().reverse());
    assert.equal(message, "");
    assert.deepEqual(
      request.inputs.map(({ name }) => name),
      ["INPUT0", "INPUT1"],
    );
  });

  describe("outputs", () => {
    it("become a mask", () => {
      assert.equal(check(batching, both(), ["OUTPUT1"]).request.outputMask, 0b10);
      assert.equal(check(batching, both(), ["OUTPUT1", "OUTPUT0"]).request.outputMask, 0b11);
    });

    it("beyond 30 are all computed", () => {
      const names = Array.from({ length: 31 }, (_, i) => `OUTPUT${i}`);
      assert.equal(
        check(modelOf(8, { INPUT0: {} }, names), [zeros("INPUT0", [1, 4])], ["OUTPUT30"]).request.outputMask,
        -1,
      );
      const thirty = modelOf(8, { INPUT0: {} }, names.slice(0, 30));
      assert.equal(check(thirty, [zeros("INPUT0", [1, 4])], ["OUTPUT29"]).request.outputMask, 2 ** 29);
    });

    it("that the model lacks are refused, before anything else", () => {
      const { message } = check(batching, [], ["OUTPUT1", "DUMMY"]);
      assert.equal(message, "unexpected inference output 'DUMMY' for model 'm'");
    });
  });

  describe("input names", () => {
    it("must all be there", () => {
      assert.equal(
        check(batching, [zeros("INPUT1", [1, 4])]).message,
        "expected 2 inputs but got 1 inputs for model 'm'. Got input(s) ['INPUT1'], but missing required input(s) ['INPUT0']",
      );
    });

    it("must not be more than the model has", () => {
      assert.match(
        check(batching, [...both(), zeros("INPUT2", [2, 4])]).message,
        /^expected 2 inputs but got 3 inputs for model 'm'/,
      );
    });

    it("must be known", () => {
      const inputs = [zeros("INPUT0", [2, 4]), zeros("DUMMY", [2, 4])];
      assert.equal(check(batching, inputs).message, "unexpected inference input 'DUMMY' for model 'm'");
    });

    it("must not come twice in place of another", () => {
      const { message } = check(batching, [zeros("INPUT0", [2, 4]), zeros("INPUT0", [2, 4])]);
      assert.match(message, /missing required input\(s\) \['INPUT1'\]/);
    });

    const optional = modelOf(0, { INPUT0: { isOptional: true }, INPUT1: {}, INPUT2: { isOptional: true } });

    it("may be left out where they are optional, in any order", () => {
      const { message, request } = check(optional, [zeros("INPUT2", [4]), zeros("INPUT1", [4])]);
      assert.equal(message, "");
      assert.deepEqual(
        request.inputs.map(({ name }) => name),
        ["INPUT1", "INPUT2"],
      );
      assert.equal(check(optional, [zeros("INPUT1", [4])]).message, "");
      const allOptional = modelOf(0, { INPUT0: { isOptional: true } });
      assert.equal(check(allOptional, []).message, "");
    });

    it("are counted between the required and all where some are optional", () => {
      assert.match(
        check(optional, []).message,
        /^expected number of inputs between 1 and 3 but got 0 inputs for model 'm'/,
      );
      assert.match(
        check(optional, [zeros("INPUT0", [4])]).message,
        /missing required input\(s\) \['INPUT1'\]/,
      );
    });

    it("must not come twice where there is room for optional ones", () => {
      const { message } = check(optional, [zeros("INPUT1", [4]), zeros("INPUT1", [4])]);
      assert.equal(message, "input 'INPUT1' already exists in request");
    });
  });

  describe("batch size", () => {
    it("needs a first dimension", () => {
      const inputs = [zeros("INPUT0", []), zeros("INPUT1", [])];
      assert.equal(
        check(batching, inputs).message,
        "input 'INPUT0' has no shape but model requires batch dimension for 'm'",
      );
    });

    it("must be the same in all inputs", () => {
      const inputs = [zeros("INPUT0", [2, 4]), zeros("INPUT1", [3, 4])];
      assert.equal(
        check(batching, inputs).message,
        "input 'INPUT1' batch size does not match other inputs for 'm'",
      );
    });

    it("must not exceed max_batch_size", () => {
      assert.equal(check(batching, both([8, 4])).message, "");
      assert.equal(
        check(batching, both([9, 4])).message,
        "inference request batch-size must be <= 8 for 'm'",
      );
    });

    it("may be 0", () => {
      const { message, request } = check(batching, both([0, 4]));
      assert.equal(message, "");
      assert.equal(request.batchSize, 0);
    });

    it("is 1 for a model that does not batch", () => {
      assert.equal(check(modelOf(0, { INPUT0: {} }), [zeros("INPUT0", [4])]).request.batchSize, 1);
    });

    it("is never negative", () => {
      assert.match(check(batching, both([-1, 4])).message, /^unexpected shape for input 'INPUT0'/);
      assert.match(
        check(batching, [zeros("INPUT0", [-1, 4]), zeros("INPUT1", [2, 4])]).message,
        /^unexpected shape/,
      );
    });
  });

  describe("data types", () => {
    it("must be the configured ones", () => {
      const inputs = [zeros("INPUT0", [2, 4], "INT32"), zeros("INPUT1", [2, 4])];
      assert.equal(
        check(batching, inputs).message,
        "inference input 'INPUT0' data-type is 'INT32', but model 'm' expects 'FP32'",
      );
    });
  });

  describe("shapes", () => {
    it("must be the configured ones", () => {
      assert.equal(
        check(modelOf(0, { INPUT0: {} }), [zeros("INPUT0", [5])]).message,
        "unexpected shape for input 'INPUT0' for model 'm'. Expected [4], got [5]",
      );
    });

    it("come with a note on the batch dimension in a model that batches", () => {
      const { message } = check(batching, [zeros("INPUT0", [2, 5]), zeros("INPUT1", [2, 4])]);
      assert.match(
        message,
        /^unexpected shape for input 'INPUT0' for model 'm'\. Expected \[-1,4\], got \[2,5\]\. Shapes of this model begin with the batch dimension, at most \d+$/,
      );
    });

    it("of unbatched inputs to a batching model are refused, and the reverse", () => {
      assert.match(check(batching, both([4])).message, /^unexpected shape .* Expected \[-1,4\], got \[4\]/);
      const { message } = check(modelOf(0, { INPUT0: {} }), [zeros("INPUT0", [1, 4])]);
      assert.match(message, /^unexpected shape .* Expected \[4\], got \[1,4\]$/);
    });

    const variable = modelOf(0, { INPUT0: { shape: [-1, 2] } });

    it("match a variable dimension with any size, 0 included", () => {
      for (const rows of [0, 1, 1000])
        assert.equal(check(variable, [zeros("INPUT0", [rows, 2])]).message, "");
    });

    it("of requests have no variable dimensions", () => {
      assert.match(check(variable, [zeros("INPUT0", [-1, 2])]).message, /^unexpected shape .* got \[-1,2\]/);
    });

    it("must not be larger than can be counted", () => {
      const huge = modelOf(0, { INPUT0: { shape: [-1, -1] } });
      const { message } = check(huge, [new Tensor("INPUT0", "FP32", [2 ** 30, 2 ** 30], new Uint8Array())]);
      assert.equal(
        message,
        "input 'INPUT0' shape [1073741824,1073741824] causes total element count to exceed maximum size",
      );
      const fractional = check(huge, [new Tensor("INPUT0", "FP32", [1.5, 1], new Uint8Array(6))]);
      assert.match(fractional.message, /causes total element count/);
    });
  });

  describe("data", () => {
    it("must be as long as the shape says", () => {
      const short = new Tensor("INPUT0", "FP32", [2, 4], new Uint8Array(31));
      assert.equal(
        check(batching, [short, zeros("INPUT1", [2, 4])]).message,
        "input byte size mismatch for input 'INPUT0' for model 'm'. Expected 32, got 31",
      );
    });

    function text(shape: number[], ...elements: string[]): Tensor {
      const data = joinBytesElements(elements.map((element) => new TextEncoder().encode(element)));
      return new Tensor("TEXT", "BYTES", shape, data);
    }
    const texts = modelOf(0, { TEXT: { datatype: "BYTES", shape: [-1] } });

    it("of BYTES must be as many elements as the shape says", () => {
      assert.equal(check(texts, [text([2], "a", "")]).message, "");
      assert.match(
        check(texts, [text([3], "a", "b")]).message,
        /^expected 3 string elements .*'TEXT', got 2$/,
      );
      assert.match(
        check(texts, [text([1], "a", "b")]).message,
        /^unexpected number of string elements 2 .*'TEXT'/,
      );
    });

    it("of BYTES must be well-formed", () => {
      const cut = (bytes: number): Tensor =>
        new Tensor("TEXT", "BYTES", [1], text([1], "abc").data.subarray(0, bytes));
      assert.match(
        check(texts, [cut(3)]).message,
        /^incomplete string length indicator for inference input 'TEXT'/,
      );
      assert.match(check(texts, [cut(6)]).message, /^incomplete string data for inference input 'TEXT'/);
    });

    it("of BYTES may be refused by the backend, once it is well-formed", () => {
      const seen: string[] = [];
      const checkBytesInput = (tensor: Tensor) => {
        seen.push(tensor.name);
        return failure("INVALID_ARG", "not with me");
      };
      const picky: ValidatedModel = { ...texts, checkBytesInput };
      assert.equal(check(picky, [text([1], "a")]).message, "not with me");
      assert.match(check(picky, [text([2], "a")]).message, /^expected 2 string elements/);
      assert.deepEqual(seen, ["TEXT"]);
      check({ ...batching, checkBytesInput }, both());
      assert.deepEqual(seen, ["TEXT"]);
    });
  });
});
