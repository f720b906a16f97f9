import { nearest } from "../../core/edit-distance.ts";
import type { ConfigProblems } from "../config-problems.ts";
import { childPath, quotePath } from "../json-path.ts";
import { hasNumericKeys, modelConfigSchema, resolveReference, type SchemaNode } from "../schema-node.ts";
import type { SourcePlaces } from "../source-places.ts";
import { FieldNumbers } from "./field-numbers.ts";
import { parsePbtxt, type PbtxtField, type PbtxtValue } from "./pbtxt-parser.ts";
import { readScalar } from "./pbtxt-scalar.ts";

/** Where the values that are read, and what is wrong with them, are noted. */
export interface PbtxtReaderSinks {
  readonly problems: ConfigProblems;
  /** Filled before a value is checked, so that the problems find its place. */
  readonly places: SourcePlaces;
}

/**
 * Reads a `config.pbtxt` into the tree that the same configuration has in JSON.
 *
 * What the text format and JSON mean differently is made explicit: where leaving a field out of `config.json` means
 * something else than protobuf's zero, the zero is written into the tree.
 *
 * @throws PbtxtSyntaxError for a text that is not protobuf's text format. Everything else is noted in the problems, and
 * left out of the tree.
 */
export function readPbtxt(text: string, sinks: PbtxtReaderSinks): object {
  const fields = parsePbtxt(text);
  return new PbtxtReader(sinks).readMessage(fields, modelConfigSchema(), "", FieldNumbers.ofModelConfig());
}

class PbtxtReader {
  readonly #problems: ConfigProblems;
  readonly #places: SourcePlaces;

  constructor({ problems, places }: PbtxtReaderSinks) {
    this.#problems = problems;
    this.#places = places;
  }

  readMessage(
    fields: readonly PbtxtField[],
    schema: SchemaNode,
    path: string,
    numbers: FieldNumbers,
  ): Record<string, unknown> {
    const properties = schema.properties ?? {};
    const message = new Map<string, unknown>();
    for (const field of fields) {
      const name = this.#fieldName(field, schema, path, numbers);
      const property = name === null ? undefined : properties[name];
      if (name === null || property === undefined) continue;
      const value = this.#readField(field, resolveReference(property), {
        path: childPath(path, name),
        numbers: numbers.ofField(name),
        before: message.get(name),
      });
      if (value !== undefined) message.set(name, value);
    }
    for (const [name, property] of Object.entries(properties)) {
      if (message.has(name) || !("default" in property)) continue;
      const zero = protobufZero(property.default);
      if (zero !== property.default) message.set(name, zero);
    }
    return Object.fromEntries(message);
  }

  /** The schema's name of the field, or `null` when it has none, which is noted. */
  #fieldName(field: PbtxtField, schema: SchemaNode, path: string, numbers: FieldNumbers): string | null {
    // The name that editors find the JSON schema by is not a field of the message.
    const names = Object.keys(schema.properties ?? {}).filter((name) => name !== "$schema");
    const isNumber = /^[0-9]/.test(field.name);
    const name = isNumber ? numbers.nameOf(Number(field.name)) : field.name;
    if (name !== null && names.includes(name)) return name;
    const allowed = names.length === 0 ? "no fields are allowed here" : `allowed are ${names.join(", ")}`;
    const fieldPath = isNumber ? `${path}[${field.name}]` : childPath(path, field.name);
    this.#places.set(fieldPath, field.place);
    const near = isNumber ? null : nearest(field.name, names);
    const hint = near === null ? ";" : `, did you mean "${near}"?`;
    const what = isNumber
      ? `unknown field number ${field.name} in ${quotePath(path)}`
      : `unknown field "${fieldPath}"`;
    this.#problems.invalid(`${what}${hint} ${allowed}`, {
      path: fieldPath,
      ...(near === null ? {} : { fix: `write ${near} instead of ${field.name}` }),
    });
    return null;
  }

  /** @returns What the field holds now, or `undefined` when there is nothing to keep. */
  #readField(
    field: PbtxtField,
    schema: SchemaNode,
    at: { readonly path: string; readonly numbers: FieldNumbers; readonly before: unknown },
  ): unknown {
    const { path, numbers, before } = at;
    if (schema.items !== undefined) {
      const items = Array.isArray(before) ? (before as unknown[]) : [];
      if (items.length === 0) this.#places.set(path, field.place);
      const itemSchema = resolveReference(schema.items);
      for (const value of field.values) {
        const itemPath = childPath(path, items.length);
        this.#places.set(itemPath, field.isList ? value.place : field.place);
        const item = this.#readValue(value, itemSchema, itemPath, numbers);
        if (item !== undefined) items.push(item);
      }
      return items;
    }
    if (typeof schema.additionalProperties === "object") {
      const entries = isObject(before) ? before : {};
      this.#places.set(path, field.place);
      for (const value of field.values) this.#readEntry(value, schema, { path, numbers, entries });
      return entries;
    }
    const earlier = before === undefined ? null : this.#places.placeOf(path);
    this.#places.set(path, field.place);
    const [value, ...more] = field.values;
    if (earlier !== null) {
      this.#problems.invalid(
        `${quotePath(path)} is given twice, first in line ${earlier.line}: it is not repeated`,
      );
    } else if (field.isList && (value === undefined || more.length > 0)) {
      this.#problems.invalid(`${quotePath(path)} is not repeated: expected one value, got a list`);
    } else if (value !== undefined) {
      return this.#readValue(value, schema, path, numbers);
    }
    return before;
  }

  #readValue(value: PbtxtValue, schema: SchemaNode, path: string, numbers: FieldNumbers): unknown {
    // A message is best found by its name, which has been noted; a scalar by itself.
    if (value.kind !== "message") this.#places.set(path, value.place);
    if (schema.properties !== undefined) {
      if (value.kind === "message") return this.readMessage(value.fields, schema, path, numbers);
      const expected = `a message in braces, { … }, with ${Object.keys(schema.properties).join(", ")}`;
      this.#problems.invalid(`${quotePath(path)} must be ${expected}, got ${describeValue(value)}`);
      return undefined;
    }
    const result = readScalar(value, schema);
    if ("value" in result) return result.value;
    this.#problems.invalid(`${quotePath(path)} must be ${result.expected}, got ${describeValue(value)}`, {
      found: describeValue(value),
    });
    return undefined;
  }

  /** One `{ key: … value: … }` of a map. What is left out is zero, as everywhere. */
  #readEntry(
    entry: PbtxtValue,
    schema: SchemaNode,
    at: { readonly path: string; readonly numbers: FieldNumbers; readonly entries: Record<string, unknown> },
  ): void {
    const { path, entries } = at;
    if (entry.kind !== "message") {
      this.#places.set(path, entry.place);
      this.#problems.invalid(
        `${quotePath(path)} must be an entry of a map, { key: … value: … }, got ${describeValue(entry)}`,
      );
      return;
    }
    const parts = new Map<string, PbtxtValue>();
    for (const { name: spelt, place, values } of entry.fields) {
      const name = { 1: "key", 2: "value" }[spelt] ?? spelt;
      const [value] = values;
      this.#places.set(path, place);
      if (name !== "key" && name !== "value") {
        this.#problems.invalid(
          `unknown field "${name}" in an entry of ${quotePath(path)}; allowed are key, value`,
          {
            path,
          },
        );
      } else if (parts.has(name) || value === undefined || values.length > 1) {
        this.#problems.invalid(`an entry of ${quotePath(path)} must have one ${name}`, { path });
      } else parts.set(name, value);
    }
    const key = this.#readKey(parts.get("key"), schema, path);
    if (key === null) return;
    const keyPath = childPath(path, key);
    if (Object.hasOwn(entries, key)) {
      this.#places.set(keyPath, entry.place);
      this.#problems.invalid(`${quotePath(keyPath)} is given twice: all but one would be ignored`);
      return;
    }
    this.#places.set(keyPath, entry.place);
    const value = this.#entryValue(parts.get("value"), schema, keyPath, at.numbers);
    // Not by assignment: a key may be called __proto__.
    if (value !== undefined) {
      Object.defineProperty(entries, key, { value, enumerable: true, configurable: true, writable: true });
    }
  }

  #entryValue(
    value: PbtxtValue | undefined,
    schema: SchemaNode,
    path: string,
    numbers: FieldNumbers,
  ): unknown {
    const valueSchema = resolveReference(schema.additionalProperties as SchemaNode);
    if (value !== undefined) return this.#readValue(value, valueSchema, path, numbers);
    return valueSchema.properties === undefined ? "" : this.readMessage([], valueSchema, path, numbers);
  }

  /** Keys are texts, or numbers where the schema allows nothing else. */
  #readKey(value: PbtxtValue | undefined, schema: SchemaNode, path: string): string | null {
    const isNumeric = hasNumericKeys(schema);
    if (value === undefined) return isNumeric ? "0" : "";
    const result = readScalar(value, { type: isNumeric ? "integer" : "string" });
    if ("value" in result) return String(result.value);
    const found = describeValue(value);
    this.#problems.invalid(`a key of ${quotePath(path)} must be ${result.expected}, got ${found}`, { path });
    return null;
  }
}

/** What protobuf reads where a scalar of this type is left out. */
function protobufZero(value: unknown): unknown {
  if (typeof value === "number") return 0;
  return typeof value === "boolean" ? false : "";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Long enough to recognise the place, short enough for one line. */
const maxFoundLength = 60;

function describeValue(value: PbtxtValue): string {
  if (value.kind === "message") return "a message in braces";
  const text = value.kind === "string" ? JSON.stringify(value.text) : value.text;
  return text.length > maxFoundLength ? `${text.slice(0, maxFoundLength)}…` : text;
}
