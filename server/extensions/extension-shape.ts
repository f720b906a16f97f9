/** The fields of a `Backend`, with what `typeof` says of each. */
const backendFields: Readonly<Record<string, string>> = {
  name: "string",
  platforms: "object",
  defaultModelFilename: "string",
  defaultCpuInstanceCount: "number",
  executionStyle: "string",
  instanceModuleUrl: "string",
  gpuDeviceIds: "function",
  checkBytesInput: "object or function",
  describe: "function",
  resolveSettings: "function",
};

const schedulerFields: Readonly<Record<string, string>> = { name: "string", createScheduler: "function" };

/**
 * What is wrong with what a module exports as its backend; `null` when it is one. JavaScript has no types, and a
 * mistake here would otherwise show with the first model.
 *
 * @param name - Of the directory, which the backend must have too: configs find it by that.
 */
export function backendProblem(exported: unknown, name: string): string | null {
  const problem = shapeProblem(exported, "backend", backendFields, name);
  if (problem !== null) return problem;
  const { platforms, executionStyle } = exported as { platforms: unknown; executionStyle: string };
  if (!Array.isArray(platforms)) return `"backend.platforms" must be an array`;
  if (executionStyle !== "batch" && executionStyle !== "requests") {
    return `"backend.executionStyle" must be "batch" or "requests", got "${executionStyle}"`;
  }
  return null;
}

/** As {@link backendProblem}, for a scheduler. */
export function schedulerProblem(exported: unknown, name: string): string | null {
  return shapeProblem(exported, "scheduler", schedulerFields, name);
}

function shapeProblem(
  exported: unknown,
  kind: string,
  fields: Readonly<Record<string, string>>,
  name: string,
): string | null {
  if (typeof exported !== "object" || exported === null) {
    return `it must export "${kind}", an object, got ${typeof exported}`;
  }
  const given = exported as Readonly<Record<string, unknown>>;
  for (const [field, type] of Object.entries(fields)) {
    if (type.split(" or ").includes(typeof given[field])) continue;
    return `"${kind}.${field}" must be of type ${type}, got ${typeof given[field]}`;
  }
  if (given["name"] === name) return null;
  return `"${kind}.name" must be that of its directory, '${name}', got '${String(given["name"])}'`;
}
