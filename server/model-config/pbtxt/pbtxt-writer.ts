import { hasNumericKeys, resolveReference, type SchemaNode } from "../schema-node.ts";

/**
 * Writes a configuration in protobuf's text format, fields in the order in which they are given.
 *
 * A field that `config.json` leaves out, and that means something else than protobuf's zero there, is written.
 *
 * @param fields - In canonical form, checked against the schema.
 * @param schema - Of the configuration.
 * @returns Text that ends with a newline; "" for a configuration without fields.
 */
export function writePbtxt(fields: object, schema: SchemaNode): string {
  return writeMessage(fields, schema, "");
}

const indentStep = "  ";

function writeMessage(message: object, schema: SchemaNode, indent: string): string {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(withDefaults(message, schema)) as [string, unknown][]) {
    const property = schema.properties?.[name];
    if (property === undefined) throw new Error(`The schema has no field "${name}". This is a bug.`);
    lines.push(writeField(name, value, resolveReference(property), indent));
  }
  return lines.join("");
}

/** The message with what leaving a field out means, where protobuf would read zero. */
function withDefaults(message: object, schema: SchemaNode): object {
  const defaults: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if ("default" in property && !Object.hasOwn(message, name)) defaults[name] = property.default;
  }
  return { ...message, ...defaults };
}

function writeField(name: string, value: unknown, schema: SchemaNode, indent: string): string {
  if (Array.isArray(value)) return writeList(name, value, schema, indent);
  if (typeof value !== "object" || value === null) return `${indent}${name}: ${writeScalar(value, schema)}\n`;
  if (typeof schema.additionalProperties === "object") return writeMap(name, value, schema, indent);
  return `${indent}${name} ${writeNested(value, schema, indent)}\n`;
}

function writeList(name: string, values: readonly unknown[], schema: SchemaNode, indent: string): string {
  const items = resolveReference(schema.items ?? {});
  if (values.length === 0) return `${indent}${name}: []\n`;
  if (items.properties === undefined) {
    return `${indent}${name}: [ ${values.map((value) => writeScalar(value, items)).join(", ")} ]\n`;
  }
  const inner = indent + indentStep;
  const messages = values.map((value) => `${inner}${writeNested(value as object, items, inner)}`);
  return `${indent}${name} [\n${messages.join(",\n")}\n${indent}]\n`;
}

function writeMap(name: string, entries: object, schema: SchemaNode, indent: string): string {
  const values = resolveReference(schema.additionalProperties as SchemaNode);
  const pairs = Object.entries(entries) as [string, unknown][];
  if (pairs.length === 0) return `${indent}${name}: []\n`;
  const inner = indent + indentStep;
  const isNumeric = hasNumericKeys(schema);
  return pairs
    .map(([key, value]) => {
      const keyText = isNumeric ? key : quote(key);
      return `${indent}${name} {\n${inner}key: ${keyText}\n${writeField("value", value, values, inner)}${indent}}\n`;
    })
    .join("");
}

function writeNested(message: object, schema: SchemaNode, indent: string): string {
  const fields = writeMessage(message, schema, indent + indentStep);
  return fields === "" ? "{ }" : `{\n${fields}${indent}}`;
}

function writeScalar(value: unknown, schema: SchemaNode): string {
  if (schema.enum === undefined && typeof value === "string") return quote(value);
  return String(value);
}

/** Control characters as octal escapes, the form that every reader knows; everything else as it is. */
function quote(text: string): string {
  const escaped = text.replaceAll(/[\\"\p{Cc}]/gu, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\\" || character === '"') return `\\${character}`;
    const bytes = [...Buffer.from(character)];
    return bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  });
  return `"${escaped}"`;
}
