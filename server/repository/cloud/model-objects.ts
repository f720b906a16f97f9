import type { StoredObject } from "./object-store.ts";

/** The objects of one model, as the directory that they make. Paths are relative to the model and have slashes. */
export interface ModelObjects {
  readonly name: string;
  /** By path. */
  readonly files: ReadonlyMap<string, StoredObject>;
  /** Every directory that a file is in, or that has an object of its own; parents come first. */
  readonly directories: readonly string[];
  /** Why they make no directory; `null`: they do. */
  readonly problem: string | null;
}

/**
 * Sorts a listing by models. Objects that are in no directory, and hidden directories, belong to none.
 *
 * @param prefix - What all keys begin with: "", or a text that ends with a slash.
 * @returns By name.
 */
export function sortByModel(
  objects: readonly StoredObject[],
  prefix: string,
): ReadonlyMap<string, ModelObjects> {
  const byName = new Map<string, StoredObject[]>();
  for (const object of objects) {
    const relative = object.key.slice(prefix.length);
    const end = relative.indexOf("/");
    const name = end < 0 ? (object.isDirectory ? relative : "") : relative.slice(0, end);
    if (!isModelName(name)) continue;
    const own = byName.get(name);
    if (own === undefined) byName.set(name, [object]);
    else own.push(object);
  }
  return new Map(
    [...byName].map(([name, own]) => [name, modelObjectsOf(name, own, `${prefix}${name}/`.length)]),
  );
}

/** Whether a directory of a repository is a model: not a hidden one, and not the nameless one between two slashes. */
export function isModelName(name: string): boolean {
  return name !== "" && !name.startsWith(".");
}

function modelObjectsOf(name: string, objects: readonly StoredObject[], keyStart: number): ModelObjects {
  const files = new Map<string, StoredObject>();
  const directories = new Set<string>();
  let problem = isPathSegment(name) ? null : `'${name}' cannot be the name of a directory`;
  for (const object of objects) {
    const isMarker = object.isDirectory;
    const path = object.key.slice(keyStart).replace(/\/$/, isMarker ? "" : "/");
    const segments = path.split("/");
    if (path === "" && isMarker) continue;
    if (!segments.every(isPathSegment))
      problem ??= `the object '${object.key}' cannot be a file of a directory`;
    const parents = isMarker ? segments : segments.slice(0, -1);
    parents.forEach((_, index) => directories.add(parents.slice(0, index + 1).join("/")));
    if (!isMarker) files.set(path, object);
  }
  for (const [path, { key, sizeBytes }] of files) {
    if (!directories.has(path)) continue;
    // Some tools write such an object to have the directory, and no slash at its end.
    if (sizeBytes === 0) files.delete(path);
    else problem ??= `the object '${key}' is a file and a directory at once: others are below it`;
  }
  return { name, files, directories: [...directories].sort(), problem };
}

/** Nothing that leads out of its directory, on any system, or that no file can be named. */
function isPathSegment(segment: string): boolean {
  return segment !== "" && segment !== "." && segment !== ".." && !/[\\\0]/.test(segment);
}
