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
