/** Names that read well after a dot; others are put in brackets and quotes. */
const plainName = /^[A-Za-z_$][\w$]*$/;

/**
 * The path of a value in a config file: `input[0].dims[1]`, `parameters["a.b"]`. "" is the file's outermost value.
 *
 * @param parent - Path of the object or array.
 * @param key - Name of a member or position in an array.
 */
export function childPath(parent: string, key: string | number): string {
  if (typeof key === "number") return `${parent}[${key}]`;
  if (!plainName.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === "" ? key : `${parent}.${key}`;
}

/** The path as it starts a message: quoted, and with a name for the outermost value. */
export function quotePath(path: string): string {
  return path === "" ? "the configuration" : `"${path}"`;
}

const pathStep = /\.[A-Za-z_$][\w$]*|\[[0-9]+\]|\["(?:[^"\\]|\\.)*"\]/y;

/** The path of what a value stands in: `input[0]` for `input[0].name`, `null` for a field of the outermost value. */
export function parentPath(path: string): string | null {
  let parent: string | null = null;
  let end = /^[A-Za-z_$][\w$]*/.exec(path)?.[0].length ?? 0;
  while (end < path.length) {
    parent = path.slice(0, end);
    pathStep.lastIndex = end;
    if (!pathStep.test(path)) return null;
    end = pathStep.lastIndex;
  }
  return parent;
}

const quotedPath = /"([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[[0-9]+\]|\["(?:[^"\\]|\\.)*"\])*)"/;

/** The first path that a message quotes, which is what it is about; `null`: it quotes none. */
export function firstQuotedPath(message: string): string | null {
  return quotedPath.exec(message)?.[1] ?? null;
}
