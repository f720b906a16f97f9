import { parseModelConfig, readModelConfig } from "../model-config/read-config.ts";
import type { FoundModel } from "./repository-scanner.ts";

/** The models that each model needs, by name. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/**
 * The models that an ensemble is made of, as its config says now.
 *
 * @param configOverride - Text that takes the place of the config file; `null`: none.
 * @returns Each name once; empty for other models, and for a config that cannot be read: its load says why.
 */
export function stepModelNames(found: FoundModel, configOverride: string | null): readonly string[] {
  try {
    const document =
      configOverride === null
        ? readModelConfig(found.directory, found.name)
        : parseModelConfig(configOverride, found.name);
    const steps = document?.fields.ensemble_scheduling?.step ?? [];
    return [...new Set(steps.map((step) => step.model_name))];
  } catch {
    return [];
  }
}

/**
 * Finds ensembles that need each other, which can never load.
 *
 * @returns For each such ensemble the way back to itself: `a -> b -> a`.
 */
export function findCycles(dependencies: Dependencies): ReadonlyMap<string, string> {
  const cycles = new Map<string, string>();
  for (const name of dependencies.keys()) {
    const way = wayBack(name, dependencies);
    if (way !== null) cycles.set(name, way.join(" -> "));
  }
  return cycles;
}

/** The shortest way from a model over those it needs back to itself, or `null`. */
function wayBack(name: string, dependencies: Dependencies): readonly string[] | null {
  const ways: (readonly string[])[] = [[name]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of dependencies.get(way.at(-1) ?? "") ?? []) {
      if (next === name) return [...way, name];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return null;
}

/**
 * Runs an operation for every model, side by side as far as possible, but for an ensemble only when it has ended for
 * all the models that it needs.
 *
 * @param dependencies - Without cycles. Names that have no entry of their own are not waited for.
 */
export async function runInOrder(
  dependencies: Dependencies,
  run: (name: string) => Promise<void>,
): Promise<void> {
  const started = new Map<string, Promise<void>>();
  const start = (name: string): Promise<void> => {
    let running = started.get(name);
    if (running === undefined) {
      const needed = (dependencies.get(name) ?? []).filter((other) => dependencies.has(other));
      running = Promise.all(needed.map(start)).then(() => run(name));
      started.set(name, running);
    }
    return running;
  };
  await Promise.all([...dependencies.keys()].map(start));
}
