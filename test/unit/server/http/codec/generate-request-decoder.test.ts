import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DataType } from "../../../../../server/core/data-type.ts";
import { decodeGenerateRequest } from "../../../../../server/http/codec/generate-request-decoder.ts";
import { invalid } from "./status-matcher.ts";

function modelOf(...inputs: readonly (readonly [name: string, datatype: DataType])[]) {
  return {
    inputs: inputs.map(([name, datatype]) => ({ name, datatype, shape: [-1], isOptional: false })),
    inputIndex: (name: string) => inputs.findIndex(([given]) => given === name),
  };
}

const llm = modelOf(["PROMPT", "BYTES"], ["STREAM", "BOOL"]);

function decode(json: string, model = llm, maxInputBytes = 1000) {
  return decodeGenerateRequest(Buffer.from(json), model, maxInputBytes);
}

describe("decodeGenerateRequest", () => {
  it("sorts members into inputs and parameters, those of 'parameters' too", () => {
    const decoded = decode(
      '{"b":1.5,"STREAM":true,"n":9007199254740993,"parameters":{"PROMPT":"hi","s":"x","t":false},"i":3}',
    );
    assert.deepEqual(
      decoded.inputs.map(({ name }) => name),
      ["STREAM", "PROMPT"],
    );
    assert.deepEqual(
      [...(decoded.parameters ?? [])],
      [
        ["b", 1.5],
        ["n", 9007199254740993n],
        ["s", "x"],
        ["t", false],
        ["i", 3],
      ],
    );
  });

  it("takes an empty object, and no parameters for none", () => {
    assert.deepEqual(decode("{}"), { id: "", inputs: [], parameters: null });
  });

  it("does not interpret the parameters that schedulers know", () => {
    const { parameters } = decode('{"sequence_id":5,"sequence_start":true,"priority":2,"timeout":"soon"}');
    assert.deepEqual(Object.fromEntries(parameters ?? []), {
      sequence_id: 5,
      sequence_start: true,
      priority: 2,
      timeout: "soon",
    });
  });

  it("takes 'id' as the request's id, and as a parameter or an input as well (row 42)", () => {
    const decoded = decode('{"id":"42"}');
    assert.deepEqual([decoded.id, decoded.parameters?.get("id")], ["42", "42"]);
    const toInput = decode('{"id":"42"}', modelOf(["id", "BYTES"]));
    assert.deepEqual([toInput.id, toInput.inputs.length, toInput.parameters], ["42", 1, null]);
    assert.equal(decode('{"parameters":{"id":"42"}}').id, "");
  });

  for (const [what, json, fragment] of [
    ["an id that is no string", '{"id":1}', "Unable to parse 'id'"],
    ["a body that is no object", "[]", "non-object as object"],
    ["an empty body", "", "failed to parse the request JSON buffer"],
    ["malformed JSON", '{"a":', "failed to parse the request JSON buffer"],
    ["text behind the object", "{} {}", "text follows"],
    ["a string for BOOL (row 29)", '{"PROMPT":"a","STREAM":"false"}', "non-boolean as boolean"],
    ["an object for an input (row 30)", '{"PROMPT":{"a":"b"}}', "non-string as string"],
    ["an object for a parameter (row 31)", '{"PARAMS":{"a":1}}', "parameter 'PARAMS' has invalid type"],
    ["an array for a parameter", '{"P":[1]}', "parameter 'P' has invalid type"],
    ["null for a parameter", '{"P":null}', "parameter 'P' has invalid type"],
    [
      "'parameters' that is no object (row 32)",
      '{"parameters":1}',
      "Expected JSON object for keyword: 'parameters'",
    ],
    [
      "an object within 'parameters' (row 33)",
      '{"parameters":{"nested":{}}}',
      "Converting keyword: 'parameters': parameter 'nested' has invalid type",
    ],
    [
      "'parameters' within 'parameters'",
      '{"parameters":{"parameters":{}}}',
      "Converting keyword: 'parameters': parameter 'parameters' has invalid type",
    ],
    [
      "an input that comes twice (row 34)",
      '{"PROMPT":"a","STREAM":true,"PROMPT":"b","STREAM":false}',
      "input 'PROMPT' already exists in request",
    ],
    [
      "an input that comes twice, the other one first (row 34)",
      '{"PROMPT":"a","STREAM":true,"STREAM":true,"PROMPT":"b"}',
      "input 'STREAM' already exists in request",
    ],
    [
      "an input that comes again in 'parameters' (row 34)",
      '{"PROMPT":"a","parameters":{"PROMPT":"b"}}',
      "input 'PROMPT' already exists in request",
    ],
    ["a reserved parameter", '{"triton_x":1}', "parameter 'triton_x' is reserved"],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decode(json), invalid(fragment));
    });
  }

  it("refuses the keyword when the model has an input of that name", () => {
    const model = modelOf(["parameters", "FP32"]);
    assert.throws(() => decode('{"parameters":{}}', model), invalid("also the name of an input"));
  });

  it("bounds the tensors together (row 19)", () => {
    const model = modelOf(["A", "FP64"], ["B", "FP64"]);
    const json = '{"A":[0,0,0],"B":[0,0,0]}';
    assert.equal(decode(json, model, 48).inputs.length, 2);
    assert.throws(
      () => decode(json, model, 47),
      invalid(
        "with 48 bytes exceeds the maximum allowed input size of 47 bytes: raise --http-max-input-size",
      ),
    );
  });
});
