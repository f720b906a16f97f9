import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, it } from "mocha";
import protobuf from "protobufjs";
import { ConfigError } from "../../../../server/model-config/config-problems.ts";
import { configFormOf, convertConfig } from "../../../../server/model-config/convert-config.ts";
import {
  resolveReference,
  type SchemaNode,
  wholeSchema,
} from "../../../../server/model-config/schema-node.ts";
import { configArbitrary } from "../../../helpers/config-arbitrary.ts";

const fixtures = path.resolve("test/fixtures/pbtxt");

function fixture(name: string): Record<string, unknown> {
  const text = readFileSync(path.join(fixtures, `${name}.pbtxt`), "utf8");
  return JSON.parse(convertConfig(text, "config.pbtxt", "pbtxt")) as Record<string, unknown>;
}

/** Paths of all fields, without positions: `.input.reshape.shape`. Maps are `{}`. */
function schemaPaths(node: SchemaNode, at: string): string[] {
  const schema = resolveReference(node);
  if (schema.items !== undefined) return schemaPaths(schema.items, at);
  const values = schema.additionalProperties;
  if (typeof values === "object") return schemaPaths(values, `${at}{}`);
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => name !== "$schema")
    .flatMap(([name, property]) => [`${at}.${name}`, ...schemaPaths(property, `${at}.${name}`)]);
}

function valuePaths(value: unknown, node: SchemaNode, at: string): string[] {
  const schema = resolveReference(node);
  if (Array.isArray(value)) return value.flatMap((item) => valuePaths(item, schema.items ?? {}, at));
  if (typeof value !== "object" || value === null) return [];
  const values = schema.additionalProperties;
  const isMap = typeof values === "object";
  return Object.entries(value).flatMap(([name, child]) =>
    isMap
      ? valuePaths(child, values, `${at}{}`)
      : [`${at}.${name}`, ...valuePaths(child, schema.properties?.[name] ?? {}, `${at}.${name}`)],
  );
}

const configType = new protobuf.Root()
  .loadSync("protos/model_config.proto", { keepCase: true })
  .lookupType("inference.ModelConfig");

/** Whether protobuf has the field: those of our own are not in Triton's definition. */
function isTritons(fieldPath: string): boolean {
  let type: protobuf.Type | null = configType;
  for (const name of fieldPath.replaceAll("{}", "").split(".").slice(1)) {
    const field: protobuf.Field | undefined = type?.fields[name];
    if (field === undefined) return false;
    const { resolvedType } = field.resolve();
    type = resolvedType instanceof protobuf.Type ? resolvedType : null;
  }
  return true;
}

describe("convertConfig from config.pbtxt", () => {
  it("reads every field of Triton's configuration", () => {
    const names = ["image_classifier", "sequence_model", "pipeline", "oldest_sequences"];
    const covered = new Set(names.flatMap((name) => valuePaths(fixture(name), wholeSchema(), "")));
    const missing = schemaPaths(wholeSchema(), "").filter((field) => isTritons(field) && !covered.has(field));
    assert.deepEqual(missing, []);
    assert.ok(covered.size > 130, String(covered.size));
  });

  it("gives the values their types", () => {
    const config = fixture("image_classifier");
    assert.deepEqual(config["version_policy"], { specific: { versions: [1, 3] } });
    assert.deepEqual(config["model_transaction_policy"], { decoupled: false });
    assert.deepEqual(config["batch_input"], [
      {
        kind: "BATCH_ACCUMULATED_ELEMENT_COUNT",
        target_name: ["offsets"],
        data_type: "TYPE_FP32",
        source_input: ["image"],
      },
    ]);
    assert.deepEqual(config["parameters"], {
      intra_op_thread_count: { string_value: "2" },
      note: { string_value: 'a "quoted" word, a tab\tand é' },
    });
    assert.deepEqual((config["dynamic_batching"] as Record<string, unknown>)["priority_queue_policy"], {
      2: {
        timeout_action: "REJECT",
        default_timeout_microseconds: 0,
        allow_timeout_override: false,
        max_queue_size: 16,
      },
    });
    const { sequence_batching: sequence } = fixture("sequence_model") as {
      sequence_batching: { control_input: { control: { kind: string }[] }[]; direct: unknown };
    };
    assert.equal(sequence.control_input[1]?.control[0]?.kind, "CONTROL_SEQUENCE_READY");
    assert.deepEqual(sequence.direct, { max_queue_delay_microseconds: 1, minimum_slot_utilization: 0.5 });
  });

  it("keeps what protobuf means by leaving a field out", () => {
    const { ensemble_scheduling: ensemble } = fixture("pipeline") as {
      ensemble_scheduling: { step: { model_version: number }[] };
    };
    assert.deepEqual(
      ensemble.step.map((step) => step.model_version),
      [-1, 0],
    );
    const json = convertConfig("optimization { input_pinned_memory { } }", "c", "pbtxt");
    assert.deepEqual(JSON.parse(json), { optimization: { input_pinned_memory: { enable: false } } });
  });

  it("agrees with protobuf's own reading of what it writes", () => {
    for (const name of ["image_classifier", "sequence_model", "pipeline", "oldest_sequences"]) {
      const config = fixture(name);
      const message = configType.fromObject(config);
      assert.equal(configType.verify(message), null, name);
      const again = configType.toObject(configType.decode(configType.encode(message).finish()), {
        enums: String,
        longs: Number,
      });
      assert.deepEqual(withoutZeros(again), withoutZeros(config), name);
    }
  });
});

describe("convertConfig from config.json", () => {
  const convert = (config: object): string => convertConfig(JSON.stringify(config), "config.json", "json");

  it("writes what a person would write", () => {
    const text = convert({
      name: "m",
      max_batch_size: 8,
      input: [{ name: "a", data_type: "TYPE_FP32", dims: [3, -1], reshape: { shape: [] } }],
      dynamic_batching: {},
      parameters: { 'k"1': { string_value: "line\n\u0001é\\" } },
    });
    assert.equal(
      text,
      String.raw`name: "m"
max_batch_size: 8
input [
  {
    name: "a"
    data_type: TYPE_FP32
    dims: [ 3, -1 ]
    reshape {
      shape: []
    }
  }
]
dynamic_batching { }
parameters {
  key: "k\"1"
  value {
    string_value: "line\n\001é\\"
  }
}
`,
    );
  });

  it("says what leaving a field out of config.json means, where protobuf would read zero", () => {
    const step = { model_name: "x", input_map: { a: "b" }, output_map: { c: "d" } };
    assert.match(convert({ ensemble_scheduling: { step: [step] } }), /model_version: -1/);
    assert.match(convert({ optimization: { input_pinned_memory: {} } }), /enable: true/);
  });

  it("reads every spelling of JSON, and drops $schema", () => {
    const text = convert({
      $schema: "x",
      maxBatchSize: 2,
      input: [{ name: "a", dataType: 11, dims: ["4"] }],
    });
    assert.match(text, /^max_batch_size: 2\n[^$]*data_type: TYPE_FP32\n *dims: \[ 4 \]/);
  });

  it("and back gives the same configuration", () => {
    fc.assert(
      fc.property(configArbitrary(wholeSchema()), (config) => {
        const text = convert(config);
        assert.deepEqual(JSON.parse(convertConfig(text, "config.pbtxt", "pbtxt")), config);
      }),
      { numRuns: 150 },
    );
  });

  for (const [what, json, message] of [
    ["an unknown field", '{ "nam": "x" }', /config\.json: unknown field "nam", did you mean "name"\?/],
    ["a wrong type", '{ "max_batch_size": "many" }', /"max_batch_size" must be an integer, got "many"/],
    ["two members of a oneof", '{ "dynamic_batching": {}, "sequence_batching": {} }', /exclude each other/],
    ["half of a character", '{ "name": "\\ud800" }', /"name" must be Unicode text/],
    ["what is not JSON", "{", /config\.json: line 1, column 2: /],
    ["what is no object", "[]", /the configuration must be an object, got a list/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => convertConfig(json, "config.json", "json"),
        (error) => error instanceof ConfigError && message.test(error.message),
      );
    });
  }
});

describe("configFormOf", () => {
  it("goes by the end of the name", () => {
    const names = ["a/config.json", "config.pbtxt", "x.PBTXT", "x.prototxt", "x.textproto", "json", "x.txt"];
    assert.deepEqual(names.map(configFormOf), ["json", "pbtxt", "pbtxt", "pbtxt", "pbtxt", null, null]);
  });
});

/** Without scalars and lists at protobuf's default, which the wire does not carry. */
function withoutZeros(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => {
    if (Array.isArray(item)) return item.length > 0;
    return item !== 0 && item !== false && item !== "" && !firstNames.has(item);
  });
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutZeros(item)]));
}

const firstNames: ReadonlySet<unknown> = new Set(schemaEnums(wholeSchema()).map((names) => names[0]));

function schemaEnums(node: SchemaNode): (readonly string[])[] {
  const children = [
    ...Object.values(node.properties ?? {}),
    ...(node.items === undefined ? [] : [node.items]),
  ];
  if (typeof node.additionalProperties === "object") children.push(node.additionalProperties);
  return [...(node.enum === undefined ? [] : [node.enum]), ...children.flatMap(schemaEnums)];
}
