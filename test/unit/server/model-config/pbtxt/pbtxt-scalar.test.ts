import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parsePbtxt } from "../../../../../server/model-config/pbtxt/pbtxt-parser.ts";
import { readScalar } from "../../../../../server/model-config/pbtxt/pbtxt-scalar.ts";
import type { SchemaNode } from "../../../../../server/model-config/schema-node.ts";

/** What a scalar as written is for a field of this type, or `expected …`. */
function read(written: string, schema: SchemaNode): unknown {
  const value = parsePbtxt(`a: ${written}`)[0]?.values[0];
  assert.ok(value !== undefined);
  const result = readScalar(value, schema);
  return "value" in result ? result.value : `expected ${result.expected}`;
}

const kinds: SchemaNode = { type: "string", enum: ["KIND_AUTO", "KIND_GPU", "KIND_CPU"] };
const noInteger = "expected an integer";
const noNumber = "expected a number";
const noBoolean = "expected true or false";

const cases: readonly (readonly [SchemaNode, readonly (readonly [string, unknown])[]])[] = [
  [
    { type: "integer" },
    [
      ["0", 0],
      ["-0", 0],
      ["42", 42],
      ["- 42", -42],
      ["0x1F", 31],
      ["-0XfF", -255],
      ["017", 15],
      ["00", 0],
      ["9007199254740991", 9007199254740991],
      ["9007199254740993", "9007199254740993"],
      ["-18446744073709551616", "-18446744073709551616"],
      ["08", noInteger],
      ["1.0", noInteger],
      ["1e3", noInteger],
      ["1f", noInteger],
      ["0x", noInteger],
      ["one", noInteger],
      ['"1"', noInteger],
      ["{}", noInteger],
    ],
  ],
  [
    { type: "number" },
    [
      ["1", 1],
      ["-1.5", -1.5],
      [".5", 0.5],
      ["2.", 2],
      ["1e3", 1000],
      ["1.5E-2f", 0.015],
      ["3F", 3],
      ["inf", Number.POSITIVE_INFINITY],
      ["-Infinity", Number.NEGATIVE_INFINITY],
      ["NaN", Number.NaN],
      ["0x10", noNumber],
      ["010", noNumber],
      ["1e", noNumber],
      ["1.2.3", noNumber],
      ["infinit", noNumber],
      ['"1"', noNumber],
    ],
  ],
  [
    { type: "boolean" },
    [
      ["true", true],
      ["True", true],
      ["t", true],
      ["1", true],
      ["0x1", true],
      ["false", false],
      ["False", false],
      ["f", false],
      ["0", false],
      ["00", false],
      ["TRUE", noBoolean],
      ["2", noBoolean],
      ["-1", noBoolean],
      ["yes", noBoolean],
      ['"true"', noBoolean],
    ],
  ],
  [
    { type: "string" },
    [
      ['"a"', "a"],
      ["a", "expected a text in quotes"],
      ["1", "expected a text in quotes"],
    ],
  ],
  [
    kinds,
    [
      ["KIND_CPU", "KIND_CPU"],
      ["2", 2],
      ["99", 99],
      ["kind_cpu", "expected one of KIND_AUTO, KIND_GPU, KIND_CPU (did you mean KIND_CPU?)"],
      ["CPU", "expected one of KIND_AUTO, KIND_GPU, KIND_CPU (did you mean KIND_CPU?)"],
      ['"KIND_CPU"', "expected one of KIND_AUTO, KIND_GPU, KIND_CPU without quotes"],
      ["1.5", "expected one of KIND_AUTO, KIND_GPU, KIND_CPU"],
    ],
  ],
];

describe("readScalar", () => {
  for (const [schema, rows] of cases) {
    for (const [written, expected] of rows) {
      const type = schema.enum === undefined ? (schema.type ?? "") : "enum";
      it(`reads ${written} for ${type}`, () => assert.deepEqual(read(written, schema), expected));
    }
  }
});
