import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { dynamicOutputModel, identityModel } from "../../tools/onnx-builder/model-zoo.ts";
import { useServer } from "../helpers/start-server.ts";
import { useRepository } from "../helpers/temporary-repository.ts";
import { sampleRepository } from "../integration/infer/simple-models.ts";

const bool = { data_type: "TYPE_BOOL", dims: [1] };

describe("Contract §12.2, generate and generate_stream", () => {
  const repository = useRepository((made) => {
    made.add("flag", {
      config: {
        backend: "onnxruntime",
        max_batch_size: 0,
        input: [{ name: "INPUT0", ...bool }],
        output: [{ name: "OUTPUT0", ...bool }],
      },
      versions: { 1: identityModel("BOOL", [1]) },
    });
    // Its output has no elements when nothing is found.
    made.add("found", { config: { backend: "onnxruntime" }, versions: { 1: dynamicOutputModel() } });
  });
  const server = useServer(() => [
    `--model-repository=${sampleRepository}`,
    `--model-repository=${repository.current.path}`,
  ]);

  interface Reply {
    readonly status: number;
    readonly text: string;
    readonly error: string;
  }

  function generate(model: string, body: string, action = "generate"): Promise<Reply> {
    return server.current.http.post(`/v2/models/${model}/${action}`, body);
  }

  for (const [what, model, body, error] of [
    ["missing inputs (row 28)", "simple", "{}", /expected 2 inputs but got 0/],
    [
      "a text for a boolean (row 29)",
      "flag",
      '{"INPUT0":"true"}',
      /attempt to access JSON non-boolean as boolean/,
    ],
    [
      "an object for a text (row 30)",
      "simple_identity",
      '{"INPUT0":{}}',
      /attempt to access JSON non-string as string/,
    ],
    [
      "an object for a parameter (row 31)",
      "simple_identity",
      '{"INPUT0":"a","PARAMS":{}}',
      /parameter 'PARAMS' has invalid type/,
    ],
    [
      "parameters that are no object (row 32)",
      "simple_identity",
      '{"INPUT0":"a","parameters":1}',
      /Expected JSON object for keyword: 'parameters'/,
    ],
    [
      "an object inside parameters (row 33)",
      "simple_identity",
      '{"INPUT0":"a","parameters":{"nested":{}}}',
      /Converting keyword: 'parameters': parameter 'nested' has invalid type/,
    ],
    [
      "an input that is there twice (row 34)",
      "simple_identity",
      '{"INPUT0":"a","INPUT0":"b"}',
      /input 'INPUT0' already exists in request/,
    ],
  ] as const) {
    it(`refuses ${what}, at both endpoints`, async () => {
      for (const action of ["generate", "generate_stream"]) {
        const reply = await generate(model, body, action);
        assert.equal(reply.status, 400, reply.text);
        assert.match(reply.error, error);
      }
    });
  }

  it("generate wants exactly one response (row 35)", async () => {
    const repeat = (count: number): string => {
      const values = new Array<number>(count).fill(7);
      return JSON.stringify({ IN: values, DELAY: values.map(() => 0), WAIT: 0 });
    };
    for (const [model, body] of [
      // As many responses as IN says.
      ["square_int32", '{"IN":0}'],
      ["repeat_int32", repeat(2)],
      ["repeat_int32", repeat(5)],
    ] as const) {
      const reply = await generate(model, body);
      assert.match(reply.error, /generate expects model to produce exactly 1 response/);
    }
    const one = await generate("repeat_int32", repeat(1));
    assert.deepEqual([one.status, (JSON.parse(one.text) as { OUT: unknown }).OUT], [200, 7]);
    const streamed = await generate("repeat_int32", repeat(5), "generate_stream");
    assert.equal(streamed.text.split("\n\n").length - 1, 5);
  });

  it("an output without elements is an empty list (row 40)", async () => {
    const reply = await generate("found", '{"INPUT0":[0,0,0]}');
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual((JSON.parse(reply.text) as { OUTPUT0: unknown }).OUTPUT0, []);
    const one = await generate("found", '{"INPUT0":[0,0,5]}');
    assert.equal((JSON.parse(one.text) as { OUTPUT0: unknown }).OUTPUT0, 2);
  });

  it("an id comes back, and none is invented (row 42)", async () => {
    for (const [body, id] of [
      ['{"id":"7","INPUT0":"a"}', "7"],
      ['{"INPUT0":"a"}', undefined],
    ] as const) {
      const plain = await generate("simple_identity", body);
      assert.equal((JSON.parse(plain.text) as { id?: string }).id, id);
      const streamed = await generate("simple_identity", body, "generate_stream");
      const event = /^data: (.*)\n\n$/.exec(streamed.text)?.[1] ?? "";
      assert.equal((JSON.parse(event) as { id?: string }).id, id);
    }
  });
});
