import { nearest } from "../core/edit-distance.ts";
import { type OptionValue, parseInteger, ValueProblem } from "./option-value.ts";

/** The cache that `--cache-config` asks for. */
export interface LocalCacheConfig {
  readonly name: "local";
  /** Most bytes that the kept responses may take; at least 1. */
  readonly sizeBytes: number;
}

const syntax = "<cache>,<key>=<value>";
const localName = "local";
const localKeys = ["size"];

/** Reads `local,size=<bytes>`. @returns What is wrong with it otherwise, and what would be right. */
export function parseCacheConfig(text: string): LocalCacheConfig | ValueProblem {
  const comma = text.indexOf(",");
  const equals = text.indexOf("=");
  if (comma <= 0 || equals <= comma + 1)
    return ValueProblem.expected(`${syntax}, for example local,size=1073741824`, text);
  const name = text.slice(0, comma);
  const key = text.slice(comma + 1, equals);
  const value = text.slice(equals + 1);
  if (name === "redis") {
    return new ValueProblem(`names the cache "redis", which is not supported: only "local" is there`);
  }
  if (name !== localName) return unknownName(`cache "${name}"`, name, [localName]);
  if (!localKeys.includes(key)) return unknownName(`key "${key}" of cache "local"`, key, localKeys);
  const sizeBytes = parseInteger(value);
  if (sizeBytes === undefined || sizeBytes < 1) {
    return ValueProblem.expected(`an integer from 1 to ${Number.MAX_SAFE_INTEGER} for local,size`, value);
  }
  return { name: localName, sizeBytes };
}

function unknownName(what: string, name: string, known: readonly string[]): ValueProblem {
  const suggestion = nearest(name, known);
  const hint = suggestion === null ? "" : `, did you mean ${suggestion}?`;
  return new ValueProblem(`names unknown ${what}${hint} (known: ${known.join(", ")})`);
}

/** The value of `--cache-config`: there is one cache, so a second occurrence is a mistake. */
export const cacheConfigValue: OptionValue<LocalCacheConfig | null> = {
  placeholder: syntax,
  allowed: syntax,
  isRepeatable: false,
  read: (text, previous) => {
    const config = parseCacheConfig(text);
    if (previous === null || config instanceof ValueProblem) return config;
    return new ValueProblem(`is given a second time (${JSON.stringify(text)}): a server has one cache`);
  },
};
