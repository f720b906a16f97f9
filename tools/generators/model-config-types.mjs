// server/model-config/model-config.schema.json → model-config.gen.ts, the types of a config file in canonical form.

import { readFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

const schemaUrl = new URL("../../server/model-config/model-config.schema.json", import.meta.url);

const banner = `// Made from model-config.schema.json by \`npm run generate\`. Do not edit.`;

/**
 * A `$ref` without its siblings: the library would make a new type (ModelInput1, ModelInput2, …) for each place
 * where a reference has a description of its own.
 */
function withBareReferences(node) {
  if (Array.isArray(node)) return node.map(withBareReferences);
  if (node === null || typeof node !== "object") return node;
  if (typeof node.$ref === "string") return { $ref: node.$ref };
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withBareReferences(value)]));
}

/** @returns The generated files: [{ path, content }]. */
export async function generate() {
  const schema = withBareReferences(JSON.parse(await readFile(schemaUrl, "utf8")));
  // The library names the type after the title rather than after the name that it is given.
  delete schema.title;
  const content = await compile(schema, "ModelConfigFields", {
    bannerComment: banner,
    // As tuples, arrays with a minimum length would accept no ordinary array.
    ignoreMinAndMaxItems: true,
    style: { printWidth: 110 },
  });
  return [{ path: "server/model-config/model-config.gen.ts", content }];
}
