import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Ajv } from "ajv";
import { describe, it } from "mocha";
import {
  modelConfigSchema,
  resolveReference,
  type SchemaNode,
} from "../../../../server/model-config/schema-node.ts";

/** Calls back for each property in the schema, with its path. */
function forEachProperty(
  node: SchemaNode,
  path: string,
  visit: (property: SchemaNode, path: string) => void,
): void {
  for (const [name, property] of Object.entries(node.properties ?? {})) {
    visit(property, `${path}.${name}`);
    forEachProperty(property, `${path}.${name}`, visit);
  }
  if (node.items !== undefined) forEachProperty(node.items, `${path}[]`, visit);
  const values = node.additionalProperties;
  if (typeof values === "object") forEachProperty(values, `${path}{}`, visit);
  for (const [name, definition] of Object.entries(node.definitions ?? {}))
    forEachProperty(definition, name, visit);
}

/** A validator for config files as an editor has it: the schema alone. */
function editorValidator(): (value: unknown) => string | null {
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  const validate = ajv.compile(modelConfigSchema());
  return (value) => (validate(value) ? null : ajv.errorsText(validate.errors));
}

describe("model-config.schema.json", () => {
  it("is a draft-07 schema", () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    assert.equal(ajv.validateSchema(modelConfigSchema()), true, ajv.errorsText());
  });

  it("describes every field", () => {
    let count = 0;
    forEachProperty(modelConfigSchema(), "", (property, path) => {
      count++;
      assert.match(resolveReference(property).description ?? "", /\.$/, path);
    });
    assert.ok(count > 130, String(count));
  });

  it("tells readers of the description what is not supported yet", () => {
    forEachProperty(modelConfigSchema(), "", (property, path) => {
      const isRefused = property["x-not-supported"] !== undefined;
      assert.equal((property.description ?? "").endsWith("Not supported yet."), isRefused, path);
    });
  });

  it("allows no unknown fields anywhere", () => {
    const check = (node: SchemaNode, path: string): void => {
      if (node.properties !== undefined) assert.equal(node.additionalProperties, false, path);
    };
    check(modelConfigSchema(), "root");
    for (const [name, node] of Object.entries(modelConfigSchema().definitions ?? {})) check(node, name);
    forEachProperty(modelConfigSchema(), "", check);
  });

  it("finds mistakes by itself, for editors", () => {
    const validate = editorValidator();
    assert.equal(
      validate({ name: "m", input: [{ name: "a", data_type: "TYPE_FP32", dims: [-1, 3] }] }),
      null,
    );
    assert.match(validate({ nam: "m" }) ?? "", /additional properties/);
    assert.match(validate({ input: [{ name: "a", data_type: "FP32", dims: [1] }] }) ?? "", /data_type/);
    assert.match(validate({ input: [{ name: "a", data_type: "TYPE_FP32", dims: [0] }] }) ?? "", /dims/);
    assert.match(
      validate({ version_policy: { latest: { num_versions: 1 }, all: {} } }) ?? "",
      /version_policy/,
    );
  });

  it("covers the fields and enums of the protobuf definition, in the order of their numbers", () => {
    const proto = readFileSync(resolve("protos/model_config.proto"), "utf8");
    const dataTypes = [...proto.matchAll(/\b(TYPE_[A-Z0-9]+) *= *(\d+)/g)].map((match) => [
      match[1],
      Number(match[2]),
    ]);
    const names = modelConfigSchema().definitions?.["DataType"]?.enum ?? [];
    assert.deepEqual(
      dataTypes,
      names.map((name, i) => [name, i]),
    );
  });
});

describe("sample configurations", () => {
  const repository = resolve("model_repository");
  const schemaPath = realpathSync(resolve("server/model-config/model-config.schema.json"));
  const files = existsSync(repository)
    ? readdirSync(repository)
        .map((model) => join(repository, model, "config.json"))
        .filter((file) => existsSync(file))
    : [];

  for (const file of files) {
    it(`${file.slice(repository.length + 1)} satisfies an editor`, () => {
      const config = JSON.parse(readFileSync(file, "utf8")) as { $schema?: string };
      assert.equal(
        resolve(dirname(file), config.$schema ?? ""),
        schemaPath,
        "$schema must lead to the schema",
      );
      assert.equal(editorValidator()(config), null);
    });
  }
});
