// docs/model-configuration.md from the JSON Schema of config.json, so that the reference cannot disagree with it.
import { readFileSync } from "node:fs";

const schemaFile = new URL("../../server/model-config/model-config.schema.json", import.meta.url);

const introduction = `# Model configuration

<!-- Made by tools/generators/model-config-doc.mjs from server/model-config/model-config.schema.json: change it there and
run \`npm run generate\`. -->

A model's \`config.json\` has the fields of Triton's \`config.pbtxt\` in protobuf's JSON form. Where there is none, a
\`config.pbtxt\` is read, with the same fields, rules and messages. Both may be missing: what they
do not say is read from the model or gets its default. \`GET /v2/models/M/config\` answers with the result. An editor
completes and checks the file when it begins with a \`$schema\` that points to
\`server/model-config/model-config.schema.json\`.

Names are written as here or in camelCase; enum values in any letter case or as their numbers; 64-bit integers as numbers
or strings. An unknown field, a wrong value, or a field marked † with a value that asks for something is an error that
names file, path, what was found and what is allowed. In a \`config.pbtxt\`, names are exact, enum values are names or
numbers, and messages tell line and column. \`nereid config convert\` writes one form as the other
([command-line.md](command-line.md)).

† not supported yet: accepted only at its default.`;

/** Anchor of a heading on the usual Markdown sites. */
const anchor = (name) => `#${name.toLowerCase()}`;

const messageOf = (node) => node.$ref?.replace("#/definitions/", "");

/** How a value is written, for the table. Messages and enums of their own are links. */
function typeOf(node, definitions) {
  const message = messageOf(node);
  if (message !== undefined) {
    const definition = definitions[message];
    return definition.properties === undefined && definition.enum === undefined
      ? typeOf(definition, definitions)
      : `[${message}](${anchor(message)})`;
  }
  if (node.type === "array") return `list of ${typeOf(node.items, definitions)}`;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(", ");
  if (node.type === "object" && typeof node.additionalProperties === "object") {
    return `map to ${typeOf(node.additionalProperties, definitions)}`;
  }
  return node.type ?? "object";
}

const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function fieldTable(properties, definitions) {
  const rows = Object.entries(properties)
    .filter(([name]) => name !== "$schema")
    .map(([name, node]) => {
      const mark = node["x-not-supported"] === undefined ? "" : " †";
      return `| \`${name}\`${mark} | ${cell(typeOf(node, definitions))} | ${cell(node.description ?? "")} |`;
    });
  return ["| field | type | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

function describe(name, definition, definitions) {
  const heading = `## ${name}\n\n${definition.description ?? ""}`;
  if (definition.properties !== undefined)
    return `${heading}\n\n${fieldTable(definition.properties, definitions)}`;
  return `${heading}\n\nOne of ${definition.enum.map((value) => `\`${value}\``).join(", ")}.`;
}

/**
 * Makes the reference of the model configuration.
 *
 * @returns {Promise<{ path: string, content: string }[]>} Paths relative to the repository's root.
 */
export async function generate() {
  const schema = JSON.parse(readFileSync(schemaFile, "utf8"));
  const { definitions } = schema;
  const sections = Object.entries(definitions)
    .filter(([, definition]) => definition.properties !== undefined || definition.enum !== undefined)
    .map(([name, definition]) => describe(name, definition, definitions));
  const content = [
    introduction,
    `## ModelConfig\n\n${fieldTable(schema.properties, definitions)}`,
    ...sections,
  ].join("\n\n");
  return [{ path: "docs/model-configuration.md", content: `${content}\n` }];
}
