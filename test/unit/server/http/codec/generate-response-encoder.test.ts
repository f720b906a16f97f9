import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { joinBytesElements } from "../../../../../server/core/bytes-elements.ts";
import type { DataType } from "../../../../../server/core/data-type.ts";
import type { ParameterValue } from "../../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { writeGenerateResponse } from "../../../../../server/http/codec/generate-response-encoder.ts";
import { JsonWriter } from "../../../../../server/http/codec/json-writer.ts";
import { fp32Tensor } from "../../../../helpers/recorded-request.ts";
import { invalid } from "./status-matcher.ts";

const head = '"model_name":"m","model_version":"1"';

function write(
  outputs: Tensor[],
  init: { id?: string; parameters?: ReadonlyMap<string, ParameterValue> } = {},
): string {
  const writer = new JsonWriter(1 << 20);
  const { id = "", parameters = null } = init;
  writeGenerateResponse(
    writer,
    new InferenceResponse({ modelName: "m", modelVersion: "1", id, outputs, parameters, buffer: null }),
  );
  return Buffer.from(writer.written()).toString();
}

function textTensor(name: string, shape: number[], ...texts: string[]): Tensor {
  return new Tensor(name, "BYTES", shape, joinBytesElements(texts.map((text) => Buffer.from(text))));
}

describe("writeGenerateResponse", () => {
  it("writes one element as a scalar, others as a flat array, and none as [] (row 40)", () => {
    assert.equal(
      write([
        fp32Tensor("one", [1, 1], [0.5]),
        fp32Tensor("rank0", [], [7]),
        fp32Tensor("many", [2, 2], [1, 2, 3, 4]),
        fp32Tensor("none", [0, 4], []),
        textTensor("text", [1], 'a"\n[b]'),
        textTensor("texts", [2], "a", "b"),
        textTensor("no_text", [0]),
      ]),
      `{${head},"one":0.5,"rank0":7.0,"many":[1.0,2.0,3.0,4.0],"none":[],"text":"a\\"\\n[b]","texts":["a","b"],"no_text":[]}`,
    );
  });

  it("writes integers of 64 bits exactly, and booleans", () => {
    const big = new Uint8Array(new BigInt64Array([2n ** 63n - 1n]).buffer);
    assert.equal(
      write([new Tensor("i", "INT64", [1], big), new Tensor("b", "BOOL", [1], Uint8Array.of(1))]),
      `{${head},"i":9223372036854775807,"b":true}`,
    );
  });

  it("echoes the id that there is (row 42)", () => {
    assert.equal(write([], { id: 'a"b' }), `{"id":"a\\"b",${head}}`);
    assert.equal(write([]), `{${head}}`);
  });

  it("writes the response's parameters before the outputs", () => {
    const parameters = new Map<string, ParameterValue>([
      ["s", "x"],
      ["i", 3],
      ["n", 2n ** 60n],
      ["d", 0.25],
      ["b", true],
    ]);
    assert.equal(
      write([fp32Tensor("o", [1], [1])], { parameters }),
      `{${head},"s":"x","i":3,"n":1152921504606846976,"d":0.25,"b":true,"o":1.0}`,
    );
  });

  it("lets the first of equal names win", () => {
    const parameters = new Map<string, ParameterValue>([
      ["model_name", "other"],
      ["x", 1],
    ]);
    assert.equal(
      write([fp32Tensor("x", [1], [2]), fp32Tensor("id", [1], [3])], { id: "7", parameters }),
      `{"id":"7",${head},"x":1}`,
    );
    assert.equal(write([fp32Tensor("id", [1], [3])]), `{${head},"id":3.0}`);
  });

  for (const datatype of ["FP16", "BF16"] satisfies DataType[]) {
    it(`refuses ${datatype}`, () => {
      const tensor = new Tensor("h", datatype, [1], new Uint8Array(2));
      assert.throws(() => write([tensor]), invalid(`sending ${datatype} data via JSON is not supported`));
    });
  }

  it("refuses BYTES that are no text", () => {
    const tensor = new Tensor("b", "BYTES", [1], joinBytesElements([Uint8Array.of(0xff)]));
    assert.throws(() => write([tensor]), invalid("is not valid UTF-8"));
  });
});
