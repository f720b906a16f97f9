import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { completeModelConfig, draftModelConfig } from "../../../../server/model-config/complete-config.ts";
import type { Signature, SignatureTensor } from "../../../../server/model-config/model-signature.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";
import { renderModelConfig } from "../../../../server/model-config/render-config.ts";

function draft(config: object, executionStyle: "batch" | "requests" = "batch") {
  return draftModelConfig({
    document: parseModelConfig(JSON.stringify(config), "f"),
    modelName: "m",
    versionDirectoryEntries: ["model.onnx"],
    isAutoCompleteEnabled: true,
    backends: [
      {
        name: "onnxruntime",
        platforms: ["onnxruntime_onnx"],
        defaultModelFilename: "model.onnx",
        defaultCpuInstanceCount: 2,
        executionStyle,
      },
    ],
  });
}

/** The lines of what is wrong, without the file's name. */
function problemsOf(run: () => unknown): string[] {
  try {
    run();
    return [];
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return thrown.message.split("\n").map((line) => line.replace(/^f: /, ""));
  }
}

const ids = { name: "ids", data_type: "TYPE_INT64", dims: [-1] };
const hidden = { name: "hidden", data_type: "TYPE_FP32", dims: [-1, 8] };

/** A model of ids → hidden that pads like this. */
function config(pad: object, more: object = {}): object {
  return {
    max_batch_size: 8,
    input: [ids],
    output: [hidden],
    dynamic_batching: { pad },
    ...more,
  };
}

function padProblems(pad: object, more: object = {}): string[] {
  return problemsOf(() => draft(config(pad, more)));
}

describe("validatePadding", () => {
  it("accepts a rule with everything", () => {
    const rule = {
      axis: 1,
      value: -1,
      mask: "mask",
      mask_data_type: "TYPE_FP32",
      multiple_of: 8,
      outputs: { hidden: 1 },
    };
    assert.deepEqual(padProblems({ ids: rule }), []);
  });

  it("refuses names that are not there", () => {
    assert.deepEqual(padProblems({ x: { axis: 1 } }), [
      `"dynamic_batching.pad.x": there is no input 'x', inputs are: ids`,
    ]);
    assert.deepEqual(padProblems({ ids: { axis: 1, outputs: { y: 1 } } }), [
      `"dynamic_batching.pad.ids.outputs.y": there is no output 'y', outputs are: hidden`,
    ]);
  });

  it("refuses axes that are missing, fixed, or the batch dimension", () => {
    assert.deepEqual(padProblems({ ids: {} }), [`"dynamic_batching.pad.ids" must specify 'axis'`]);
    assert.deepEqual(padProblems({ ids: { axis: 0 } }), [
      `"dynamic_batching.pad.ids.axis": axes count from the batch dimension, which is 0 and cannot be padded: the first of 'dims' is 1, got 0`,
    ]);
    assert.deepEqual(padProblems({ ids: { axis: 2 } }), [
      `"dynamic_batching.pad.ids": axis 2 of input 'ids' has to vary, but it has only axes 0, the batch, to 1`,
    ]);
    assert.deepEqual(padProblems({ ids: { axis: 1, outputs: { hidden: 2 } } }), [
      `"dynamic_batching.pad.ids.outputs.hidden": axis 2 of output 'hidden' has to vary, but its dims are [-1,8], where axis 2 is always 8`,
    ]);
  });

  it("refuses a model that does not batch", () => {
    assert.deepEqual(padProblems({ ids: { axis: 1 } }, { max_batch_size: 0 }), [
      `"dynamic_batching.pad" needs a max_batch_size above 0: without it there are no batches`,
    ]);
  });

  it("refuses strings, ragged and reshaped tensors", () => {
    const text = { ...ids, data_type: "TYPE_STRING" };
    assert.deepEqual(padProblems({ ids: { axis: 1 } }, { input: [text] }), [
      `"dynamic_batching.pad.ids": input 'ids' is TYPE_STRING, which cannot be padded: use a type of fixed size`,
    ]);
    const ragged = { ...ids, allow_ragged_batch: true };
    assert.deepEqual(padProblems({ ids: { axis: 1 } }, { input: [ragged] }), [
      `"dynamic_batching.pad.ids": input 'ids' is ragged, so that nothing has to be padded`,
    ]);
    const reshaped = { ...ids, reshape: { shape: [-1, 1] } };
    assert.deepEqual(padProblems({ ids: { axis: 1 } }, { input: [reshaped] }), [
      `"dynamic_batching.pad.ids": input 'ids' is reshaped, and cannot be padded then`,
    ]);
    const words = { name: "words", data_type: "TYPE_STRING", dims: [-1] };
    assert.deepEqual(padProblems({ ids: { axis: 1, outputs: { words: 1 } } }, { output: [words] }), [
      `"dynamic_batching.pad.ids.outputs.words": output 'words' is TYPE_STRING, which cannot be cut: use a type of fixed size`,
    ]);
  });

  it("refuses values that the input's type cannot hold", () => {
    assert.deepEqual(padProblems({ ids: { axis: 1, value: 0.5 } }), [
      `"dynamic_batching.pad.ids.value": TYPE_INT64, the type of input 'ids', cannot hold 0.5`,
    ]);
  });

  it("refuses masks that clients send, that are strings, or that are filled already", () => {
    const two = { ...ids, name: "two" };
    assert.deepEqual(padProblems({ ids: { axis: 1, mask: "two" } }, { input: [ids, two] }), [
      `"dynamic_batching.pad.ids.mask": 'two' is an input that clients send. Take it out of "input": the server fills it`,
    ]);
    assert.deepEqual(padProblems({ ids: { axis: 1, mask: "m", mask_data_type: "TYPE_STRING" } }), [
      `"dynamic_batching.pad.ids.mask_data_type": TYPE_STRING cannot hold 0 and 1`,
    ]);
    const rule = { axis: 1, mask: "m" };
    assert.deepEqual(padProblems({ ids: rule, two: rule }, { input: [ids, two] }), [
      `"dynamic_batching.pad.two.mask": 'm' is filled from something else already`,
    ]);
    const batch_input = [
      { kind: "BATCH_ELEMENT_COUNT", target_name: ["m"], data_type: "TYPE_INT32", source_input: ["ids"] },
    ];
    assert.deepEqual(padProblems({ ids: rule }, { batch_input }), [
      `"dynamic_batching.pad.ids.mask": 'm' is filled from something else already`,
    ]);
  });

  it("refuses outputs that are cut in two ways", () => {
    const two = { ...ids, name: "two" };
    const rule = { axis: 1, outputs: { hidden: 1 } };
    assert.deepEqual(padProblems({ ids: rule, two: rule }, { input: [ids, two] }), [
      `"dynamic_batching.pad.two.outputs.hidden": this axis is cut to the length of another input too`,
    ]);
    const flat = { name: "hidden", data_type: "TYPE_FP32", dims: [-1] };
    const batch_output = [
      { target_name: ["hidden"], kind: "BATCH_SCATTER_WITH_INPUT_SHAPE", source_input: ["ids"] },
    ];
    assert.deepEqual(padProblems({ ids: rule }, { output: [flat], batch_output }), [
      `"dynamic_batching.pad.ids.outputs.hidden": output 'hidden' is the target of a batch_output, which cuts it otherwise`,
    ]);
  });

  it("refuses settings that would be without effect", () => {
    assert.deepEqual(padProblems({ ids: { axis: 1, mask_data_type: "TYPE_FP32" } }), [
      `"dynamic_batching.pad.ids.mask_data_type" has no meaning without "mask"`,
    ]);
    const share = { dynamic_batching: { max_padding_share: 0.5 } };
    assert.deepEqual(padProblems({}, share), [
      `"dynamic_batching.max_padding_share" has no meaning without "dynamic_batching.pad"`,
    ]);
  });

  it("refuses shares outside 0 to 1", () => {
    for (const [share, bound] of [
      [-0.1, "at least 0"],
      [1.1, "at most 1"],
    ] as const) {
      const dynamic_batching = { pad: { ids: { axis: 1 } }, max_padding_share: share };
      assert.deepEqual(padProblems({}, { dynamic_batching }), [
        `"dynamic_batching.max_padding_share" must be ${bound}, got ${share}`,
      ]);
    }
  });

  it("refuses backends whose models get each request by itself", () => {
    assert.deepEqual(
      problemsOf(() => draft(config({ ids: { axis: 1 } }), "requests")),
      [
        `"dynamic_batching.pad" has no meaning for the onnxruntime backend, whose models get each request by itself. Leave it out`,
      ],
    );
  });
});

function tensor(name: string, datatype: "INT64" | "FP32", shape: number[]): SignatureTensor {
  return { name, datatype, modelType: datatype, shape };
}

const signature: Signature = {
  inputs: [tensor("ids", "INT64", [-1, -1]), tensor("mask", "INT64", [-1, -1])],
  outputs: [tensor("hidden", "FP32", [-1, -1, 8])],
};

function complete(pad: object, model: Signature, more: object = {}) {
  return completeModelConfig(draft(config(pad, more)), { signature: model, completion: null }, 4).config;
}

describe("A padding mask", () => {
  const pad = { ids: { axis: 1, mask: "mask", outputs: { hidden: 1 } } };

  it("is an input of the model that clients are not told of", () => {
    assert.deepEqual(
      complete(pad, signature).input.map(({ name }) => name),
      ["ids"],
    );
    const read = complete(pad, signature, { input: [], output: [] });
    assert.deepEqual(
      [...read.input, ...read.output].map(({ name, dims }) => [name, dims]),
      [
        ["ids", [-1]],
        ["hidden", [-1, 8]],
      ],
    );
  });

  it("has to be there, of its type and shape", () => {
    const inputs = (mask: SignatureTensor): Signature => ({
      ...signature,
      inputs: [signature.inputs[0]!, mask],
    });
    const problems = (model: Signature): string[] => problemsOf(() => complete(pad, model));
    assert.deepEqual(problems(inputs(tensor("mask", "FP32", [-1, -1]))), [
      `model 'm': padding mask 'mask': configuration expects datatype TYPE_INT64, model provides TYPE_FP32. Give it as "mask_data_type"`,
    ]);
    assert.deepEqual(problems(inputs(tensor("mask", "INT64", [-1, -1, 1]))), [
      "model 'm': padding mask 'mask': the model has to take the shape [-1,-1], but it expects [-1,-1,1]",
    ]);
    assert.match(
      problems(inputs(tensor("other", "INT64", [-1, -1])))[0] ?? "",
      /padding mask 'mask' is no input/,
    );
    assert.match(
      problems({ ...signature, inputs: [signature.inputs[0]!] })[0] ?? "",
      /expects 2 inputs, model provides 1/,
    );
  });

  it("is missed by a config that does not name it", () => {
    assert.match(
      problemsOf(() => complete({ ids: { axis: 1 } }, signature))[0] ?? "",
      /expects 1 inputs, model provides 2; missing in the configuration: 'mask'/,
    );
  });
});

describe("renderModelConfig with padding", () => {
  it("prints what gives the same config again", () => {
    const pad = { ids: { axis: 1, value: 3, mask: "mask", multiple_of: 4, outputs: { hidden: 1 } } };
    const first = complete(pad, signature, { dynamic_batching: { pad, max_padding_share: 0.5 } });
    const rendered = renderModelConfig(first);
    assert.deepEqual(rendered.dynamic_batching?.pad, { ids: { ...pad.ids, mask_data_type: "TYPE_INT64" } });
    assert.equal(rendered.dynamic_batching.max_padding_share, 0.5);
    assert.deepEqual(draft(rendered).config.dynamicBatching, first.dynamicBatching);
  });

  it("says nothing of it where nothing is padded", () => {
    const fields = renderModelConfig(draft({ max_batch_size: 8, dynamic_batching: {} }).config);
    assert.deepEqual(
      Object.keys(fields.dynamic_batching ?? {}).filter((name) => /pad/.test(name)),
      [],
    );
  });
});
