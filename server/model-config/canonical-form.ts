import { nearest } from "../core/edit-distance.ts";
import type { ConfigProblems } from "./config-problems.ts";
import { childPath, quotePath } from "./json-path.ts";
import { isProtoDefault } from "./proto-default.ts";
import { resolveReference, type SchemaNode } from "./schema-node.ts";

/**
 * Rewrites a config tree in the one spelling that the schema describes, as protobuf's JSON form allows several:
 * camelCase field names become snake_case, enum names in any case and enum numbers become enum names, decimal
 * strings of 64-bit integers become numbers, `null` members are dropped.
 *
 * Notes unknown fields, fields given twice, and fields whose behaviour is not built yet, and leaves them out, so
 * that the schema validator after it has nothing to add about them. Values of a wrong type stay, for the validator
 * to complain.
 *
 * @param value - As read from the file. Not changed.
 * @param node - The schema of this value.
 * @param path - Where the value stands, for messages.
 * @returns A new tree.
 */
export function toCanonicalForm(
  value: unknown,
  node: SchemaNode,
  path: string,
  problems: ConfigProblems,
): unknown {
  const schema = resolveReference(node);
  if (schema.enum !== undefined) return canonicalEnum(value, schema, path, problems);
  if (schema.format === "int64" || schema.format === "uint64") return canonicalInteger(value);
  if (Array.isArray(value)) {
    const items = schema.items;
    if (items === undefined) return value;
    return value.map((item: unknown, i) => toCanonicalForm(item, items, childPath(path, i), problems));
  }
  if (typeof value !== "object" || value === null) return value;
  if (schema.properties !== undefined) return canonicalMessage(value, schema, path, problems);
  const values = schema.additionalProperties;
  if (values === undefined || values === false) return value;
  const entries = Object.entries(value).map(([key, item]: [string, unknown]) => [
    key,
    toCanonicalForm(item, values, childPath(path, key), problems),
  ]);
  return Object.fromEntries(entries);
}

function canonicalMessage(
  message: object,
  schema: SchemaNode,
  path: string,
  problems: ConfigProblems,
): Record<string, unknown> {
  const properties = schema.properties ?? {};
  const spellings = new Map<string, string>();
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(message) as [string, unknown][]) {
    const name = fieldName(key, properties);
    const property = name === null ? undefined : properties[name];
    if (name === null || property === undefined) {
      problems.invalid(unknownField(childPath(path, key), key, Object.keys(properties)));
      continue;
    }
    const earlier = spellings.get(name);
    if (earlier !== undefined) {
      problems.invalid(`${quotePath(childPath(path, name))} is given twice, as "${earlier}" and as "${key}"`);
      continue;
    }
    spellings.set(name, key);
    // The name that editors find the schema by is not a field of the model.
    if (value === null || (path === "" && name === "$schema")) continue;
    const fieldPath = childPath(path, name);
    const canonical = toCanonicalForm(value, property, fieldPath, problems);
    const reason = property["x-not-supported"];
    if (reason === undefined) {
      fields[name] = canonical;
    } else if (property["x-has-presence"] === true || !isProtoDefault(canonical, property)) {
      const hint = reason === "" ? "" : `: ${reason}`;
      problems.unsupported(`${quotePath(fieldPath)} is not supported yet${hint}`);
    }
  }
  for (const group of schema["x-oneof"] ?? []) dropSurplusMembers(fields, group, path, problems);
  return fields;
}

/** The schema's name of a field that may be spelt in camelCase, or `null` when there is no such field. */
function fieldName(key: string, properties: Readonly<Record<string, SchemaNode>>): string | null {
  if (Object.hasOwn(properties, key)) return key;
  const snakeCase = toSnakeCase(key);
  // Only the exact camelCase spelling: "Max_Batch_Size" is neither form.
  return Object.hasOwn(properties, snakeCase) && toCamelCase(snakeCase) === key ? snakeCase : null;
}

function toSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toCamelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function unknownField(path: string, key: string, allowed: readonly string[]): string {
  const names = allowed.filter((name) => name !== "$schema");
  const suggestion = nearest(toSnakeCase(key), names);
  const hint = suggestion === null ? "" : `, did you mean "${suggestion}"?`;
  const list = names.length === 0 ? "no fields are allowed here" : `allowed are ${names.join(", ")}`;
  return `unknown field ${quotePath(path)}${hint === "" ? ";" : hint} ${list}`;
}

/** More than one member of a oneof is an error; the first one stays. */
function dropSurplusMembers(
  fields: Record<string, unknown>,
  group: readonly string[],
  path: string,
  problems: ConfigProblems,
): void {
  const present = group.filter((name) => Object.hasOwn(fields, name));
  if (present.length < 2) return;
  const quoted = present.map((name) => `"${childPath(path, name)}"`).join(" and ");
  problems.invalid(`${quoted} exclude each other, allowed is one of ${group.join(", ")}`);
  for (const name of present.slice(1)) Reflect.deleteProperty(fields, name);
}

function canonicalEnum(value: unknown, schema: SchemaNode, path: string, problems: ConfigProblems): unknown {
  const names = schema.enum ?? [];
  let name: string | undefined;
  if (typeof value === "string") name = names.find((known) => known === value.toUpperCase());
  if (typeof value === "number") name = names[value];
  if (name === undefined) return value;
  const reason = schema["x-not-supported-values"]?.[name];
  if (reason !== undefined)
    problems.unsupported(`${quotePath(path)}: ${name} is not supported yet: ${reason}`);
  return name;
}

/** A decimal string becomes a number when that loses nothing; otherwise it stays, and the validator refuses it. */
function canonicalInteger(value: unknown): unknown {
  if (typeof value !== "string" || !/^-?[0-9]+$/.test(value)) return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
