import { createRequire } from "node:module";

/** The parts of JSON Schema, and of our own vocabulary, that `model-config.schema.json` uses. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  /** `int64` and `uint64` also accept decimal strings. */
  readonly format?: string;
  /** Names in the order of their protobuf numbers, from 0 without gaps. */
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | false;
  /** What the keys of a map must look like. */
  readonly propertyNames?: { readonly pattern: string };
  readonly items?: SchemaNode;
  readonly definitions?: Readonly<Record<string, SchemaNode>>;
  /** What `config.json` means when it leaves the value out, where that is not protobuf's zero. */
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  /** Replaces the message about a value out of range. */
  readonly "x-rule"?: string;
  /** Groups of properties of which at most one may be given. */
  readonly "x-oneof"?: readonly (readonly string[])[];
  /** The behaviour is not built yet: any value but the default is refused; says what to do instead, or "". */
  readonly "x-not-supported"?: string;
  /** Enum values whose behaviour is not built yet, each with a reason. */
  readonly "x-not-supported-values"?: Readonly<Record<string, string>>;
  /** Being there means something, even when the object is empty. */
  readonly "x-has-presence"?: true;
}

let loaded: SchemaNode | null = null;

/** The schema of a config file. Read from disk at the first call. */
export function modelConfigSchema(): SchemaNode {
  loaded ??= createRequire(import.meta.url)("./model-config.schema.json") as SchemaNode;
  return loaded;
}

/** Follows `$ref`; what stands beside the reference is kept, and wins. */
export function resolveReference(node: SchemaNode): SchemaNode {
  if (node.$ref === undefined) return node;
  const name = node.$ref.slice("#/definitions/".length);
  const target = modelConfigSchema().definitions?.[name];
  if (target === undefined) throw new Error(`The config schema has no definition "${name}". This is a bug.`);
  return { ...target, ...node };
}

/** Whether the keys of a map are integers. JSON knows texts as keys only, so the schema says it by a pattern. */
export function hasNumericKeys(map: SchemaNode): boolean {
  const pattern = map.propertyNames?.pattern;
  return pattern !== undefined && !new RegExp(pattern).test("a");
}

/**
 * The schema of everything that a config file can say, whether this server can do it or not, and whether it says enough
 * to be served: for tools that only pass it on. Its references are resolved.
 */
export function wholeSchema(): SchemaNode {
  whole ??= withoutDemands(modelConfigSchema()) as SchemaNode;
  return whole;
}

let whole: SchemaNode | null = null;

const demands: ReadonlySet<string> = new Set([
  "x-not-supported",
  "x-not-supported-values",
  "required",
  "minItems",
  "minLength",
]);

function withoutDemands(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDemands);
  if (typeof value !== "object" || value === null) return value;
  const node = resolveReference(value);
  const kept = Object.entries(node).filter(
    ([key]) => !demands.has(key) && key !== "$ref" && key !== "definitions",
  );
  return Object.fromEntries(kept.map(([key, child]: [string, unknown]) => [key, withoutDemands(child)]));
}

/** The schema without what is not built yet: what remains of a config in canonical form. */
export function supportedSchema(): SchemaNode {
  return withoutUnsupported(modelConfigSchema()) as SchemaNode;
}

function withoutUnsupported(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnsupported);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, child]) => !isNotSupported(child));
  return Object.fromEntries(kept.map(([key, child]) => [key, withoutUnsupported(child)]));
}

function isNotSupported(value: unknown): boolean {
  return typeof value === "object" && value !== null && "x-not-supported" in value;
}
