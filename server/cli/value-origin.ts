import { isDeepStrictEqual } from "node:util";
import { childPath } from "../model-config/json-path.ts";

/** Where a value of the effective configuration comes from. */
export type ValueOrigin = "file" | "directory" | "model" | "flag" | "default";

/** One value of the effective configuration. */
export interface ExplainedValue {
  readonly path: string;
  /** A scalar, a list of scalars, or an empty list or object. */
  readonly value: unknown;
  readonly origin: ValueOrigin;
  /** More about the origin; "" when there is nothing to add. */
  readonly detail: string;
}

/** What the values are compared with. All are in the form of `config.json`. */
export interface ValueSources {
  /** What the config file says; `{}` when there is none. */
  readonly inFile: object;
  /** What the config file and the model say, without defaults. */
  readonly completed: object;
  /** The configuration that is served. */
  readonly effective: object;
  /** Says more of a value that is in the file, by its path. */
  readonly describeFile: (path: string) => string;
  /** Decides for values that the file does not have. @param isFromModel - The model has said it. */
  readonly describeOther: (path: string, isFromModel: boolean) => Pick<ExplainedValue, "origin" | "detail">;
}

/** Every value of the effective configuration with its origin, in its order. */
export function explainValues(sources: ValueSources): ExplainedValue[] {
  const values: ExplainedValue[] = [];
  const walk = (path: string, effective: unknown, inFile: unknown, completed: unknown): void => {
    const children = childrenOf(effective);
    if (children === null) {
      values.push({
        path,
        value: effective,
        ...originOf(path, { effective, inFile, completed }, sources),
      });
      return;
    }
    for (const [key, child] of children) {
      walk(childPath(path, key), child, memberOf(inFile, key), memberOf(completed, key));
    }
  };
  walk("", sources.effective, sources.inFile, sources.completed);
  return values;
}

/** The members of a message, a map or a list of messages; `null` for what is shown as one value. */
function childrenOf(value: unknown): [string | number, unknown][] | null {
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) {
    const isOneValue = value.every((item) => typeof item !== "object" || item === null);
    return isOneValue ? null : value.map((item: unknown, i) => [i, item]);
  }
  const entries = Object.entries(value) as [string, unknown][];
  return entries.length === 0 ? null : entries;
}

function memberOf(value: unknown, key: string | number): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}

function originOf(
  path: string,
  at: { readonly effective: unknown; readonly inFile: unknown; readonly completed: unknown },
  sources: ValueSources,
): Pick<ExplainedValue, "origin" | "detail"> {
  const { effective, inFile, completed } = at;
  if (isDeepStrictEqual(effective, inFile)) return { origin: "file", detail: sources.describeFile(path) };
  const other = sources.describeOther(path, inFile === undefined && completed !== undefined);
  if (inFile === undefined) return other;
  const written = `written as ${JSON.stringify(inFile)} in ${sources.describeFile(path)}`;
  return { origin: other.origin, detail: other.detail === "" ? written : `${other.detail}, ${written}` };
}
