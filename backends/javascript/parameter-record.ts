import type { ParameterValue } from "../../server/core/inference-request.ts";

/** Parameters as an object whose members are nothing but them. */
export function toRecord(
  parameters: ReadonlyMap<string, ParameterValue>,
): Readonly<Record<string, ParameterValue>> {
  const record = Object.create(null) as Record<string, ParameterValue>;
  for (const [name, value] of parameters) record[name] = value;
  return record;
}

/** Parameters that a model gives. @throws TypeError for a value that is none. */
export function toParameters(
  record: Readonly<Record<string, ParameterValue>>,
): ReadonlyMap<string, ParameterValue> | null {
  const entries = Object.entries(record);
  const given: readonly (readonly [string, unknown])[] = entries;
  for (const [name, value] of given) {
    if (["string", "number", "bigint", "boolean"].includes(typeof value)) continue;
    throw new TypeError(
      `parameter '${name}' is ${value === null ? "null" : typeof value}, expected a string, number, bigint or boolean`,
    );
  }
  return entries.length === 0 ? null : new Map(entries);
}
