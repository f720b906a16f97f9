import { timingSafeEqual } from "node:crypto";

/** What the operations of the protocol are grouped into, for `--http-restricted-api` and its gRPC twin. */
export const apiCategories = [
  "health",
  "metadata",
  "inference",
  "shared-memory",
  "model-config",
  "model-repository",
  "statistics",
  "trace",
  "logging",
] as const;
export type ApiCategory = (typeof apiCategories)[number];

/** Operations that are answered only to those who send a secret. @see contract §1.12 */
export interface ApiRestriction {
  /** None of them stands in another restriction. */
  readonly categories: readonly ApiCategory[];
  /** Name of the header, as the option has it. */
  readonly key: string;
  /** Never empty. */
  readonly value: string;
}

/** The restriction of one category, or `null` when it is open to all. */
export function restrictionOf(
  restrictions: readonly ApiRestriction[],
  category: ApiCategory,
): ApiRestriction | null {
  return restrictions.find(({ categories }) => categories.includes(category)) ?? null;
}

/** Whether a client knows the secret. Takes as long for a nearly right one as for any other of its length. */
export function isSecret(sent: string, { value }: ApiRestriction): boolean {
  const sentBytes = Buffer.from(sent);
  const wantedBytes = Buffer.from(value);
  return sentBytes.byteLength === wantedBytes.byteLength && timingSafeEqual(sentBytes, wantedBytes);
}
