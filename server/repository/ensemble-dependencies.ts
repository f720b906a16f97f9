import { parseModelConfig, readModelConfig } from "../model-config/read-config.ts";
import type { FoundModel } from "./scan/find-models.ts";

/** The models that each model needs. */
export type Dependencies<T> = ReadonlyMap<T, readonly T[]>;

/** Reads from configs which models ensembles are made of. */
export class StepReader {
  readonly #configName: string | null;

  /** @param configName - `--model-config-name`; `null`: none. */
  constructor(configName: string | null) {
    this.#configName = configName;
  }

  /**
   * The models that an ensemble is made of, as its config says now.
   *
   * @param configOverride - Text that takes the place of the config file; `null`: none.
   * @returns Each name once; empty for other models, and for a config that cannot be read: its load says why.
   */
  namesOf(found: FoundModel, configOverride: string | null): readonly string[] {
    try {
      const document =
        configOverride === null
          ? readModelConfig(found.directory, found.name, this.#configName)
          : parseModelConfig(configOverride, found.name);
      const steps = document?.fields.ensemble_scheduling?.step ?? [];
      return [...new Set(steps.map((step) => step.model_name))];
    } catch {
      return [];
    }
  }

  /** What each of these models needs of the others. A model of the own repository comes before one of another. */
  dependencies(models: readonly FoundModel[]): Dependencies<FoundModel> {
    const byName = new Map<string, FoundModel[]>();
    for (const found of models) byName.set(found.name, [...(byName.get(found.name) ?? []), found]);
    const needed = (by: FoundModel, name: string): readonly FoundModel[] => {
      const candidates = byName.get(name) ?? [];
      const own = candidates.find(({ repository }) => repository === by.repository);
      return own === undefined ? candidates : [own];
    };
    return new Map(
      models.map((found) => [found, this.namesOf(found, null).flatMap((name) => needed(found, name))]),
    );
  }

  /** Some models, and those of `all` that the ensembles among them need. */
  withSteps(wanted: readonly FoundModel[], all: readonly FoundModel[]): readonly FoundModel[] {
    const dependencies = this.dependencies(all);
    const reached = new Set<FoundModel>(wanted);
    for (const found of reached) for (const needed of dependencies.get(found) ?? []) reached.add(needed);
    return [...reached];
  }
}

/** @param cycle - Names from an ensemble over those it needs back to itself. */
export function circularDependency(cycle: readonly string[]): string {
  return `circular dependency between ensembles: ${cycle.join(" -> ")}`;
}

/**
 * Finds ensembles that need each other, which can never load.
 *
 * @returns For each such ensemble the way back to itself.
 */
export function findCycles<T>(dependencies: Dependencies<T>): ReadonlyMap<T, readonly T[]> {
  const cycles = new Map<T, readonly T[]>();
  for (const model of dependencies.keys()) {
    const way = wayBack(model, dependencies);
    if (way !== null) cycles.set(model, way);
  }
  return cycles;
}

/** The shortest way from a model over those it needs back to itself, or `null`. */
function wayBack<T>(model: T, dependencies: Dependencies<T>): readonly T[] | null {
  const ways: { readonly last: T; readonly way: readonly T[] }[] = [{ last: model, way: [model] }];
  const seen = new Set<T>();
  for (const { last, way } of ways) {
    for (const next of dependencies.get(last) ?? []) {
      if (next === model) return [...way, model];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push({ last: next, way: [...way, next] });
    }
  }
  return null;
}

/**
 * Runs an operation for every model, side by side as far as possible, but for an ensemble only when it has ended for
 * all the models that it needs.
 *
 * @param dependencies - Without cycles. Models that have no entry of their own are not waited for.
 */
export async function runInOrder<T>(
  dependencies: Dependencies<T>,
  run: (model: T) => Promise<void>,
): Promise<void> {
  const started = new Map<T, Promise<void>>();
  const start = (model: T): Promise<void> => {
    let running = started.get(model);
    if (running === undefined) {
      const needed = (dependencies.get(model) ?? []).filter((other) => dependencies.has(other));
      running = Promise.all(needed.map(start)).then(() => run(model));
      started.set(model, running);
    }
    return running;
  };
  await Promise.all([...dependencies.keys()].map(start));
}
