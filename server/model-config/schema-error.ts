import type { ErrorObject } from "ajv";
import { type DataType, configDataTypeName, dataTypes } from "../core/data-type.ts";
import { nearest } from "../core/edit-distance.ts";
import { childPath, quotePath } from "./json-path.ts";
import type { SchemaNode } from "./schema-node.ts";

/**
 * Says in a sentence what is wrong, where, what was found and what is allowed.
 *
 * @param error - From ajv, with `verbose` on.
 * @param root - The value that was validated.
 * @returns `null` when another error of the same validation says it better.
 */
export function describeSchemaError(error: ErrorObject, root: unknown): string | null {
  const path = pathOf(error.instancePath, root);
  const quoted = quotePath(path);
  const schema = (error.parentSchema ?? {}) as SchemaNode;
  const found = formatFound(error.data);
  switch (error.keyword) {
    case "type":
      // The "enum" error of the same value says what is allowed.
      if (schema.enum !== undefined) return null;
      return `${quoted} must be ${describeType(schema)}, got ${found}`;
    case "enum":
      return `${quoted} must be one of ${describeEnum(schema, error.data)}, got ${found}`;
    case "minimum":
    case "maximum":
    case "not":
      return describeRange(path, schema, error);
    case "required":
      return mustSpecify(path, (error.params as { missingProperty: string }).missingProperty);
    case "minLength":
    case "minItems":
      return mustSpecifyItself(path);
    case "maxItems":
      return `${quoted} must have at most ${String(error.schema)} entry, got ${String((error.data as unknown[]).length)}`;
    case "pattern":
      return `${quoted}: the name "${error.propertyName ?? ""}" must match ${String(error.schema)}`;
    case "propertyNames":
      // Comes with the "pattern" error of the name itself.
      return null;
    default:
      return `${quoted} ${error.message ?? "is not valid"}, got ${found}`;
  }
}

/** `/input/0/dims` → `input[0].dims`. Whether a part is a position or a name depends on what it is applied to. */
function pathOf(pointer: string, root: unknown): string {
  let path = "";
  let value = root;
  for (const escaped of pointer.split("/").slice(1)) {
    const part = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) {
      path = childPath(path, Number(part));
      value = value[Number(part)];
    } else {
      path = childPath(path, part);
      value = (value as Record<string, unknown>)[part];
    }
  }
  return path;
}

const typeNames: Readonly<Record<NonNullable<SchemaNode["type"]>, string>> = {
  object: "an object",
  array: "a list",
  string: "a text in quotes",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
};

function describeType(schema: SchemaNode): string {
  const name = schema.type === undefined ? "another type" : typeNames[schema.type];
  const fields = Object.keys(schema.properties ?? {});
  // The likeliest mistake is the value of that one field in place of the object.
  if (fields.length === 1) return `${name} with the field ${fields.join("")}`;
  const is64Bit = schema.format === "int64" || schema.format === "uint64";
  return is64Bit ? `${name} from ${schema.minimum ?? 0} to ${schema.maximum ?? 0}` : name;
}

function describeEnum(schema: SchemaNode, found: unknown): string {
  const unsupported = schema["x-not-supported-values"] ?? {};
  const names = (schema.enum ?? []).filter(
    (name) => name !== "TYPE_INVALID" && !Object.hasOwn(unsupported, name),
  );
  const suggestion = typeof found === "string" ? suggestEnum(found.toUpperCase(), names) : null;
  return names.join(", ") + (suggestion === null ? "" : ` (did you mean ${suggestion}?)`);
}

/** Catches the protocol's names of data types (BYTES, FP32) and names without their prefix (CPU), too. */
function suggestEnum(found: string, names: readonly string[]): string | null {
  const dataType = dataTypes.find((type: DataType) => type === found);
  const asConfigType = dataType === undefined ? found : configDataTypeName(dataType);
  if (names.includes(asConfigType)) return asConfigType;
  return names.find((name) => name.endsWith(`_${found}`)) ?? nearest(found, names);
}

function describeRange(path: string, schema: SchemaNode, error: ErrorObject): string {
  if (error.data === "TYPE_INVALID") return mustSpecifyItself(path);
  const found = formatFound(error.data);
  const rule = schema["x-rule"];
  if (rule !== undefined && error.keyword !== "maximum") return `${quotePath(path)}: ${rule}, got ${found}`;
  const bound = error.keyword === "minimum" ? "at least" : "at most";
  return `${quotePath(path)} must be ${bound} ${String(error.schema)}, got ${found}`;
}

function mustSpecify(path: string, field: string): string {
  return `${quotePath(path)} must specify '${field}'`;
}

/** For a field that is there without a value: the same words as for one that is not there. */
function mustSpecifyItself(path: string): string {
  const dot = path.lastIndexOf(".");
  return mustSpecify(path.slice(0, Math.max(0, dot)), path.slice(dot + 1));
}

/** Long enough to recognise the place, short enough for one line. */
const maxFoundLength = 60;

function formatFound(value: unknown): string {
  // A config.pbtxt can say nan and inf, which JSON has no words for.
  if (typeof value === "number" && !Number.isFinite(value)) return `${value}: it must be finite`;
  if (value === null || typeof value !== "object") {
    const text = JSON.stringify(value);
    return text.length > maxFoundLength ? `${text.slice(0, maxFoundLength)}…` : text;
  }
  return Array.isArray(value) ? "a list" : "an object";
}
