/** A JSON object as a server sent it: nothing about it is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The object, or an empty one when the value is none. */
export function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The array, or an empty one when the value is none. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The text, or "" when the value is none. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The number, also from decimal text as protobuf's JSON spells 64-bit integers; 0 when the value is none. */
export function numberOf(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : 0;
}
