import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { noParameters, readInferParameters } from "../../../../../server/http/codec/infer-parameters.ts";
import { readerOf } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

const read = (text: string): ReturnType<typeof readInferParameters> => readInferParameters(readerOf(text));

describe("readInferParameters", () => {
  it("reads an empty object as no parameters", () => {
    assert.deepEqual(read("{}"), noParameters);
  });

  it("reads the parameters of the protocol", () => {
    assert.deepEqual(
      read(
        '{"sequence_id":5,"sequence_start":true,"sequence_end":true,"priority":1,"timeout":9,"binary_data_output":true}',
      ),
      {
        custom: null,
        priority: 1,
        timeoutUs: 9,
        correlationId: 5,
        isSequenceStart: true,
        isSequenceEnd: true,
        isBinaryByDefault: true,
      },
    );
  });

  it("reads sequence ids of any size and strings", () => {
    assert.equal(read('{"sequence_id":18446744073709551615}').correlationId, 18446744073709551615n);
    assert.equal(read('{"sequence_id":"é"}').correlationId, "é");
  });

  it("passes other parameters on with their type", () => {
    assert.deepEqual(
      read('{"a":"x","b":-1,"c":0.5,"d":false,"e":9223372036854775807}').custom,
      new Map<string, unknown>([
        ["a", "x"],
        ["b", -1],
        ["c", 0.5],
        ["d", false],
        ["e", 9223372036854775807n],
      ]),
    );
  });

  it("takes a negative priority for the default level (row 129)", () => {
    assert.equal(read('{"priority": -1}').priority, 0);
    assert.equal(read('{"priority":-9223372036854775808}').priority, 0);
  });

  it("refuses wrong types", () => {
    for (const text of [
      "[]",
      '{"sequence_id":true}',
      '{"sequence_id":-1}',
      '{"sequence_start":1}',
      '{"sequence_end":"true"}',
      '{"priority":-0.5}',
      '{"priority":"1"}',
      '{"timeout":0.5}',
      '{"binary_data_output":1}',
    ]) {
      assert.throws(() => read(text), invalid("attempt to access JSON non-"), text);
    }
    for (const value of ["null", "[1]", "{}", "18446744073709551615"]) {
      assert.throws(() => read(`{"x":${value}}`), invalid("parameter 'x' has invalid type"), value);
    }
  });

  it("refuses reserved names", () => {
    for (const name of ["headers", "triton_enable_empty_final_response"]) {
      assert.throws(
        () => read(`{"${name}":true}`),
        invalid(`parameter '${name}' is reserved for Triton usage`),
      );
    }
  });
});
