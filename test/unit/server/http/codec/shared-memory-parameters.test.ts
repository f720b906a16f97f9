import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  isSharedMemoryParameter,
  SharedMemoryParameters,
} from "../../../../../server/http/codec/shared-memory-parameters.ts";
import { readerOf } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

/** Reads an object of shared-memory parameters. */
function read(json: string): SharedMemoryParameters {
  const reader = readerOf(json);
  const parameters = new SharedMemoryParameters();
  for (let key = reader.enterObject("parameters"); key !== null; key = reader.nextKey()) {
    assert.ok(isSharedMemoryParameter(key));
    parameters.read(reader, key);
  }
  return parameters;
}

describe("SharedMemoryParameters", () => {
  it("reads a place, exact beyond 2^53", () => {
    const json =
      '{"shared_memory_byte_size":18446744073709551615,"shared_memory_offset":1,"shared_memory_region":"r"}';
    assert.deepEqual(read(json).place("input 'A'"), { region: "r", offset: 1, byteSize: 2n ** 64n - 1n });
  });

  it("takes 0 for what the client does not say", () => {
    const place = read('{"shared_memory_region":"r"}').place("input 'A'");
    assert.deepEqual(place, { region: "r", offset: 0, byteSize: 0 });
  });

  it("refuses a place without a region", () => {
    assert.throws(
      () => read('{"shared_memory_offset":1}').place("input 'A'"),
      invalid(
        "input 'A' has 'shared_memory_offset' or 'shared_memory_byte_size' without 'shared_memory_region'",
      ),
    );
  });

  it("refuses values of the wrong type", () => {
    for (const [member, value] of [
      ["shared_memory_region", "1"],
      ["shared_memory_offset", "-1"],
      ["shared_memory_offset", "1.5"],
      ["shared_memory_byte_size", '"4"'],
    ] as const) {
      assert.throws(() => read(`{"${member}":${value}}`), invalid(`'${member}'`));
    }
  });
});

describe("isSharedMemoryParameter", () => {
  it("knows the three and no other", () => {
    const keys = [
      "shared_memory_region",
      "shared_memory_offset",
      "shared_memory_byte_size",
      "shared_memory",
      "x",
    ];
    assert.deepEqual(keys.map(isSharedMemoryParameter), [true, true, true, false, false]);
  });
});
