import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readRequestedOutputs } from "../../../../../server/http/codec/infer-requested-outputs.ts";
import { readerOf } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

const read = (outputs: unknown): ReturnType<typeof readRequestedOutputs> =>
  readRequestedOutputs(readerOf(JSON.stringify(outputs)));

describe("readRequestedOutputs", () => {
  it("gives the encodings in the order of the list", () => {
    assert.deepEqual(
      [
        ...read([
          { parameters: { other: 1, binary_data: true, classification: 0 }, name: "B" },
          { name: "A", parameters: {} },
        ]).encodings,
      ],
      [
        ["B", "binary"],
        ["A", "json"],
      ],
    );
  });

  it("refuses an output without a name or with one that came before", () => {
    assert.throws(() => read([{}]), invalid("non-existing object member 'name'"));
    assert.throws(
      () => read([{ name: "A" }, { name: "A" }]),
      invalid("output 'A' already exists in request"),
    );
  });

  it("refuses wrong types", () => {
    for (const outputs of [{}, ["A"], [{ name: 1 }], [{ name: "A", parameters: { binary_data: 1 } }]]) {
      assert.throws(() => read(outputs), invalid("attempt to access JSON non-"));
    }
    assert.throws(
      () => read([{ name: "A", parameters: { classification: -1 } }]),
      invalid("'classification'"),
    );
  });

  it("gives the outputs that are wanted as classes, with how many of them", () => {
    const some = [{ name: "A", parameters: { classification: 3 } }, { name: "B" }];
    assert.deepEqual([...(read(some).classifications ?? [])], [["A", 3]]);
    assert.equal(read([{ name: "A", parameters: { classification: 0 } }]).classifications, null);
  });

  it("gives the places of the outputs that are wanted in shared memory", () => {
    const parameters = { shared_memory_region: "r", shared_memory_byte_size: 4, shared_memory_offset: 8 };
    const { encodings, places } = read([{ name: "A", parameters }, { name: "B" }]);
    assert.deepEqual([...encodings.values()], ["shared-memory", "json"]);
    assert.deepEqual([...places], [["A", { region: "r", offset: 8, byteSize: 4 }]]);
    // What would be off changes nothing.
    const off = { ...parameters, binary_data: false, classification: 0 };
    assert.equal(read([{ name: "A", parameters: off }]).places.size, 1);
  });

  it("refuses an output that is wanted in shared memory and in another way", () => {
    for (const [other, value] of [
      ["binary_data", true],
      ["classification", 1],
    ] as const) {
      const parameters = { shared_memory_region: "r", [other]: value };
      assert.throws(
        () => read([{ name: "A", parameters }]),
        invalid(`output 'A' can not have both '${other}' and 'shared_memory_region'`),
      );
    }
  });
});
