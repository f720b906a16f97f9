import { resolveReference, type SchemaNode } from "./schema-node.ts";

/**
 * Whether a value asks for nothing: it is what the field has when it is left out, which in proto3 is false, 0, "",
 * no elements, the enum's first name, or a message of such fields; or it is the schema's own `default`.
 *
 * @param value - In canonical form.
 * @param node - The schema of the field.
 */
export function isProtoDefault(value: unknown, node: SchemaNode): boolean {
  const schema = resolveReference(node);
  if (schema.default !== undefined) return value === schema.default;
  if (value === null || value === false || value === 0 || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  if (schema.enum !== undefined) return value === schema.enum[0];
  if (typeof value !== "object") return false;
  // An entry of a map is something even when its value is a default.
  if (schema.properties === undefined) return Object.keys(value).length === 0;
  return Object.entries(value).every(([name, field]: [string, unknown]) => {
    const property = schema.properties?.[name];
    return property !== undefined && isProtoDefault(field, property);
  });
}
