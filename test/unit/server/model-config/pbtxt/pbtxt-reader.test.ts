import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ConfigError } from "../../../../../server/model-config/config-problems.ts";
import { parsePbtxtConfig } from "../../../../../server/model-config/read-config.ts";

function fieldsOf(text: string): unknown {
  return parsePbtxtConfig(text, "config.pbtxt").fields;
}

/** What is wrong, without the file's name. */
function problemsOf(text: string): string[] {
  try {
    parsePbtxtConfig(text, "config.pbtxt");
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.split("\n").map((line) => line.replace(/^config\.pbtxt: /, ""));
  }
  return [];
}

const input = 'name: "a" data_type: TYPE_FP32 dims: 4';

describe("readPbtxt", () => {
  it("joins all ways to write a repeated field", () => {
    const text = `input { ${input} dims: [ 5, 6 ] } input [ < ${input} > ] instance_group: []`;
    const tensor = (dims: number[]): object => ({ name: "a", data_type: "TYPE_FP32", dims });
    assert.deepEqual(fieldsOf(text), { input: [tensor([4, 5, 6]), tensor([4])], instance_group: [] });
  });

  it("joins all ways to write a map, and fills in what an entry leaves out", () => {
    const text = `metric_tags { key: "a" value: "1" } metric_tags: [ { value: "2" key: "__proto__" }, { key: "c" } ]
      parameters { key: "p" } parameters < value < string_value: "x" > >`;
    const fields = fieldsOf(text) as { metric_tags: object };
    assert.deepEqual(Object.entries(fields.metric_tags), [
      ["a", "1"],
      ["__proto__", "2"],
      ["c", ""],
    ]);
    assert.deepEqual((fields as { parameters?: object }).parameters, { p: {}, "": { string_value: "x" } });
  });

  it("reads fields and map entries by their numbers", () => {
    assert.deepEqual(fieldsOf('1: "m" 4: 8 5 { 1: "a" 2: 11 4: [ 3 ] } 10 { 1: "k" 2: "v" }'), {
      name: "m",
      max_batch_size: 8,
      input: [{ name: "a", data_type: "TYPE_FP32", dims: [3] }],
      metric_tags: { k: "v" },
    });
  });

  it("reads fields of our own, which Triton lacks", () => {
    assert.deepEqual(fieldsOf("dynamic_batching { latency_target_microseconds: 5000 }"), {
      dynamic_batching: { latency_target_microseconds: 5000 },
    });
  });

  it("means version 0 by a step without a version, as protobuf does", () => {
    const fields = fieldsOf(
      'ensemble_scheduling { step { model_name: "x" } step { model_name: "y" model_version: -1 } }',
    );
    assert.deepEqual(fields, {
      ensemble_scheduling: {
        step: [
          { model_name: "x", model_version: 0 },
          { model_name: "y", model_version: -1 },
        ],
      },
    });
  });

  it("reads a message without fields as one that is there", () => {
    assert.deepEqual(fieldsOf("dynamic_batching { } version_policy { all: < > }"), {
      dynamic_batching: {},
      version_policy: { all: {} },
    });
  });

  it("reads an empty text as no fields", () => assert.deepEqual(fieldsOf(" # nothing\n"), {}));
});

const wrong: readonly (readonly [string, string, string | RegExp])[] = [
  [
    "an unknown field",
    'name: "m"\n  max_batchsize: 1',
    /^line 2, column 3: unknown field "max_batchsize", did you mean "max_batch_size"\? allowed are name, /,
  ],
  [
    "an unknown field of a message",
    `input {\n ${input}\n dim: 3 }`,
    /^line 3, column 2: unknown field "input\[0\]\.dim", did you mean "dims"\? allowed are name, data_type/,
  ],
  [
    "a field in camelCase, which only JSON has",
    "maxBatchSize: 1",
    /^line 1, column 1: unknown field "maxBatchSize", did you mean "max_batch_size"/,
  ],
  ["the field of JSON's schema", '$schema: "x"', /^line 1, column 1: unexpected character "\$"/],
  [
    "an unknown field number",
    "optimization { 99: 1 }",
    /^line 1, column 16: unknown field number 99 in "optimization"; allowed are graph, /,
  ],
  [
    "a scalar twice",
    "max_batch_size: 1\nmax_batch_size: 2",
    'line 2, column 1: "max_batch_size" is given twice, first in line 1: it is not repeated',
  ],
  [
    "a message twice",
    "dynamic_batching {}\ndynamic_batching {}",
    'line 2, column 1: "dynamic_batching" is given twice, first in line 1: it is not repeated',
  ],
  [
    "a list for one value",
    'name: [ "a", "b" ]',
    'line 1, column 1: "name" is not repeated: expected one value, got a list',
  ],
  [
    "a key twice",
    'metric_tags { key: "a" }\nmetric_tags { key: "a" value: "2" }',
    'line 2, column 13: "metric_tags.a" is given twice: all but one would be ignored',
  ],
  [
    "a key of the wrong type",
    "metric_tags { key: 1 }",
    'line 1, column 15: a key of "metric_tags" must be a text in quotes, got 1',
  ],
  [
    "a level that is no number",
    'dynamic_batching { priority_queue_policy { key: "1" } }',
    /a key of "dynamic_batching\.priority_queue_policy" must be an integer, got "1"/,
  ],
  [
    "an entry with another field",
    'metric_tags { key: "a" v: "2" }',
    'line 1, column 24: unknown field "v" in an entry of "metric_tags"; allowed are key, value',
  ],
  [
    "an entry with two keys",
    'metric_tags { key: "a" key: "b" }',
    'line 1, column 24: an entry of "metric_tags" must have one key',
  ],
  [
    "a map that is written as a message",
    'metric_tags: "a"',
    'line 1, column 14: "metric_tags" must be an entry of a map, { key: … value: … }, got "a"',
  ],
  ["a number as a text", "name: 5", 'line 1, column 7: "name" must be a text in quotes, got 5'],
  [
    "a text as a message",
    'dynamic_batching: "on"',
    /^line 1, column 19: "dynamic_batching" must be a message in braces, \{ … \}, with preferred_batch_size, /,
  ],
  [
    "a message as a scalar",
    "max_batch_size { }",
    'line 1, column 1: "max_batch_size" must be an integer, got a message in braces',
  ],
  [
    "the protocol's name of a data type",
    'input { name: "a"\ndata_type: FP32 dims: 1 }',
    /^line 2, column 12: "input\[0\]\.data_type" must be one of .* \(did you mean TYPE_FP32\?\), got FP32$/,
  ],
  [
    "an enum number that is none",
    'input { name: "a" data_type: 99 dims: 1 }',
    /^line 1, column 30: "input\[0\]\.data_type" must be one of TYPE_BOOL, .*, got 99$/,
  ],
  [
    "a number out of range",
    "max_batch_size: 2147483648",
    'line 1, column 17: "max_batch_size" must be at most 2147483647, got 2147483648',
  ],
  [
    "a negative number where there is none",
    "dynamic_batching { max_queue_delay_microseconds: -1 }",
    /^line 1, column 50: .* must be at least 0, got -1$/,
  ],
  [
    "a number of more than 64 bits",
    "dynamic_batching { max_queue_delay_microseconds: 99999999999999999999 }",
    /must be an integer from 0 to 9007199254740991, got "99999999999999999999"$/,
  ],
  [
    "a fraction of an integer",
    "max_batch_size: 1.0",
    'line 1, column 17: "max_batch_size" must be an integer, got 1.0',
  ],
  [
    "a dimension of 0",
    'input { name: "a" data_type: TYPE_FP32 dims: [ 4,\n 0 ] }',
    'line 2, column 2: "input[0].dims[1]": dimension must be integer >= 1, or -1 for a variable one, got 0',
  ],
  [
    "a missing data type",
    'input { name: "a" dims: 1 }',
    `line 1, column 1: "input[0]" must specify 'data_type'`,
  ],
  [
    "two schedulers",
    "dynamic_batching { }\nensemble_scheduling { }",
    /^line 1, column 1: "dynamic_batching" and "ensemble_scheduling" exclude each other/,
  ],
  [
    "what is not built yet",
    'runtime: "x.so"',
    'line 1, column 10: "runtime" is not supported yet: a backend is chosen by "backend" alone',
  ],
  [
    "pinned memory that protobuf reads as off",
    "optimization {\n input_pinned_memory { } }",
    /^line 2, column 2: "optimization\.input_pinned_memory\.enable" is not supported yet/,
  ],
  [
    "a syntax error",
    "input [\n { name: 'a' }\n { } ]",
    "line 3, column 2: expected ',' or ']' after the value in the list, found '{', in the line: { } ]",
  ],
];

describe("readPbtxt problems", () => {
  for (const [what, text, expected] of wrong) {
    it(`notes ${what}`, () => {
      const problems = problemsOf(text);
      assert.equal(problems.length, 1, problems.join("\n"));
      if (typeof expected === "string") assert.equal(problems[0], expected);
      else assert.match(problems[0] ?? "", expected);
    });
  }

  it("notes all of them at once", () => {
    const problems = problemsOf('nam: "x"\nmax_batch_size: "1"\ninput { name: 5 }');
    assert.deepEqual(
      problems.map((line) => line.slice(0, 8)),
      ["line 1, ", "line 2, ", "line 3, "],
    );
  });

  it("carry file, place, path and what was found, for programs", () => {
    try {
      parsePbtxtConfig("\nmax_batch_size: many", "m/config.pbtxt");
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems, [
        {
          text: '"max_batch_size" must be an integer, got many',
          file: "m/config.pbtxt",
          place: { line: 2, column: 17 },
          path: "max_batch_size",
          found: "many",
        },
      ]);
      return;
    }
    assert.fail("accepted");
  });
});
