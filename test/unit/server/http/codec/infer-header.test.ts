import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type InferHeader, readInferHeader } from "../../../../../server/http/codec/infer-header.ts";
import { invalid } from "./status-matcher.ts";

function read(text: string): InferHeader {
  const bytes = Buffer.from(text);
  return readInferHeader(bytes, bytes.byteLength, 1000);
}

const declaration = '"shape":[1],"datatype":"INT8"';
const binary = (name: string, size: number): string =>
  `{"name":"${name}",${declaration},"parameters":{"binary_data_size":${size}}}`;

describe("readInferHeader", () => {
  it("adds up the binary bytes", () => {
    const header = read(`{"inputs":[${binary("A", 3)},${binary("B", 5)}]}`);
    assert.equal(header.binaryBytes, 8);
    assert.equal(header.isIndependentOfData, true);
  });

  it("tells when an input holds data", () => {
    const header = read(`{"inputs":[${binary("A", 3)},{"name":"B",${declaration},"data":[1]}]}`);
    assert.equal(header.isIndependentOfData, false);
    assert.equal(header.binaryBytes, 3);
  });

  it("refuses members of the wrong type", () => {
    for (const [text, member] of [
      ['{"id":1,"inputs":[]}', "id"],
      ['{"inputs":{}}', "inputs"],
      ['{"inputs":[1]}', "inputs"],
      ['{"inputs":[],"outputs":{}}', "outputs"],
      ['{"inputs":[],"parameters":1}', "parameters"],
    ] as const) {
      assert.throws(
        () => read(text),
        invalid(`Unable to parse '${member}': attempt to access JSON non-`),
        text,
      );
    }
  });
});
