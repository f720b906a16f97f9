import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readInferInput, readInferInputs } from "../../../../../server/http/codec/infer-input.ts";
import { readerOf } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

const limit = 1 << 20;
const read = (input: unknown): ReturnType<typeof readInferInput> =>
  readInferInput(readerOf(typeof input === "string" ? input : JSON.stringify(input)), limit);

describe("readInferInput", () => {
  it("reads the members in any order and passes over others", () => {
    const input = read('{"data":[[1],[2]],"x":{"y":[1]},"shape":[2],"datatype":"INT8","name":"A"}');
    const { name, datatype, shape, data, binaryBytes, place } = input;
    assert.deepEqual(
      [name, datatype, shape, data, binaryBytes, place],
      ["A", "INT8", [2], Uint8Array.of(1, 2), 0, null],
    );
  });

  it("refuses an input without name, datatype or shape", () => {
    const whole = { name: "A", datatype: "INT8", shape: [1], data: [1] };
    for (const member of ["name", "datatype", "shape"]) {
      assert.throws(
        () => read({ ...whole, [member]: undefined }),
        invalid(`non-existing object member '${member}'`),
      );
    }
  });

  it("refuses members of the wrong type", () => {
    const whole = { name: "A", datatype: "INT8", shape: [1], data: [1] };
    for (const [member, value] of [
      ["name", 1],
      ["datatype", null],
      ["shape", "1"],
      ["shape", [-1]],
      ["shape", [1.5]],
      ["shape", ["1"]],
      ["data", 1],
      ["parameters", []],
    ] as const) {
      const at = member === "data" ? "'data'" : `'${member}'`;
      assert.throws(() => read({ ...whole, [member]: value }), invalid(`Unable to parse ${at}`), member);
    }
    assert.throws(
      () => read({ ...whole, parameters: { binary_data_size: -1 } }),
      invalid("'binary_data_size'"),
    );
    assert.throws(() => read({ ...whole, datatype: "fp32" }), invalid("unknown datatype 'fp32'"));
  });

  it("wants exactly one source of data and lists those that it found", () => {
    const declaration = { name: "A", datatype: "INT8", shape: [1] };
    assert.throws(() => read(declaration), invalid("got none"));
    assert.throws(
      () => read({ ...declaration, data: [1], parameters: { binary_data_size: 1 } }),
      invalid("got 'data' and 'binary_data_size'"),
    );
    assert.throws(
      () => read({ ...declaration, data: [1], parameters: { shared_memory_region: "r" } }),
      invalid("got 'data' and 'shared_memory_region'"),
    );
  });

  it("reads the place of an input in shared memory, with what the client leaves out", () => {
    const declaration = { name: "A", datatype: "INT8", shape: [4] };
    const place = (parameters: object) => read({ ...declaration, parameters }).place;
    const whole = { shared_memory_offset: 8, shared_memory_region: "r", shared_memory_byte_size: 4 };
    assert.deepEqual(place(whole), { region: "r", offset: 8, byteSize: 4 });
    assert.deepEqual(place({ shared_memory_region: "r" }), { region: "r", offset: 0, byteSize: 0 });
    assert.equal(read({ ...declaration, parameters: whole }).data, null);
    assert.throws(
      () => place({ ...whole, binary_data_size: 4 }),
      invalid("got 'binary_data_size' and 'shared_memory_region'"),
    );
  });

  it("takes an input without elements and without data", () => {
    assert.equal(read({ name: "A", datatype: "INT8", shape: [2, 0] }).binaryBytes, 0);
  });

  it("refuses shapes that overflow, before any data", () => {
    for (const shape of ["[4294967296,4294967296]", "[4294967296,4294967296,0]", "[9007199254740993,0]"]) {
      assert.throws(
        () => read(`{"name":"A","datatype":"INT8","shape":${shape},"parameters":{"binary_data_size":1}}`),
        invalid("causes total element count to exceed maximum size of 9223372036854775807"),
        shape,
      );
    }
    assert.throws(
      () => read('{"name":"A","datatype":"FP64","shape":[2147483648,2147483648],"data":[1]}'),
      invalid("byte size overflow for input 'A'"),
    );
  });
});

describe("readInferInputs", () => {
  it("refuses a name that comes twice", () => {
    const input = { name: "A", datatype: "INT8", shape: [1], data: [1] };
    assert.throws(
      () => readInferInputs(readerOf(JSON.stringify([input, input])), limit),
      invalid("input 'A' already exists in request"),
    );
  });
});
