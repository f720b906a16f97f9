import fc from "fast-check";
import { hasNumericKeys, resolveReference, type SchemaNode } from "../../server/model-config/schema-node.ts";

/**
 * Random configurations of a schema, in canonical form. Fields whose absence means something of its own are always
 * there, so that both spellings of a configuration say the same.
 *
 * @param isWanted - Tells by its path, without positions, whether a field may be used.
 */
export function configArbitrary(
  schema: SchemaNode,
  isWanted: (path: string) => boolean = () => true,
): fc.Arbitrary<Record<string, unknown>> {
  return messageArbitrary(schema, "", isWanted);
}

function messageArbitrary(
  schema: SchemaNode,
  path: string,
  isWanted: (path: string) => boolean,
): fc.Arbitrary<Record<string, unknown>> {
  const properties = Object.entries(schema.properties ?? {}).filter(
    ([name]) => name !== "$schema" && isWanted(`${path}.${name}`),
  );
  const requiredKeys = properties.filter(([, node]) => "default" in node).map(([name]) => name);
  const fields = Object.fromEntries(
    properties.map(([name, node]) => [name, valueArbitrary(node, `${path}.${name}`, isWanted)]),
  );
  const groups = schema["x-oneof"] ?? [];
  return fc
    .tuple(fc.record(fields, { requiredKeys }), fc.array(fc.nat(), { minLength: 4, maxLength: 4 }))
    .map(([message, choices]) => {
      const dropped = groups.flatMap((group, i) => {
        const present = group.filter((name) => Object.hasOwn(message, name));
        return present.filter((_, k) => k !== (choices[i] ?? 0) % present.length);
      });
      return Object.fromEntries(Object.entries(message).filter(([name]) => !dropped.includes(name)));
    });
}

function valueArbitrary(
  node: SchemaNode,
  path: string,
  isWanted: (path: string) => boolean,
): fc.Arbitrary<unknown> {
  const schema = resolveReference(node);
  if (schema.enum !== undefined) {
    return fc.constantFrom(...schema.enum.filter((name) => name !== "TYPE_INVALID"));
  }
  if (schema.properties !== undefined) return messageArbitrary(schema, path, isWanted);
  if (schema.items !== undefined) {
    return fc.array(valueArbitrary(schema.items, path, isWanted), { maxLength: schema.maxItems ?? 3 });
  }
  const values = schema.additionalProperties;
  if (typeof values === "object") {
    const key = hasNumericKeys(schema)
      ? fc.integer({ min: 1, max: 1_000_000 }).map(String)
      : fc.stringMatching(/^[A-Za-z0-9_]{1,8}$/);
    return fc.dictionary(key, valueArbitrary(values, path, isWanted), { maxKeys: 2, noNullPrototype: true });
  }
  switch (schema.type) {
    case "integer":
      return fc
        .maxSafeInteger()
        .map((number) => clamp(number, schema))
        .filter((number) => !("not" in schema) || number !== 0);
    case "number":
      return fc
        .double({
          min: schema.minimum ?? -1e300,
          max: schema.maximum ?? 1e300,
          noNaN: true,
          noDefaultInfinity: true,
        })
        .map((number) => number + 0);
    case "boolean":
      return fc.boolean();
    default:
      return fc.string({ unit: "binary", maxLength: 8 });
  }
}

function clamp(number: number, { minimum = 0, maximum = 0 }: SchemaNode): number {
  if (number >= minimum && number <= maximum) return number;
  const span = maximum - minimum + 1;
  return Number.isSafeInteger(span) ? minimum + (Math.abs(number) % span) : Math.abs(number) % maximum;
}
