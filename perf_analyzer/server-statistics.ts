import {
  type DurationName,
  durationNames,
  type DurationTotal,
  type ModelStatistics,
  readModelStatistics,
} from "./client-backend/model-statistics.ts";
import { type ComposingModel, readModelDescription } from "./client-backend/model-description.ts";
import { type ServerClient, ServerRefusal } from "./client-backend/server-client.ts";

/** A model whose statistics are read, and the models inside it. */
export interface StatisticsNode {
  readonly name: string;
  /** "" for the server's choice. */
  readonly version: string;
  readonly composing: readonly StatisticsNode[];
  /** Whether the time of the model is the time of its {@link composing}, as in an ensemble. */
  readonly isEnsemble: boolean;
}

/** The counters of a model and of the models inside it at one moment. */
export interface StatisticsReading {
  /** One for each version. */
  readonly versions: readonly ModelStatistics[];
  readonly composing: readonly StatisticsReading[];
  /** Whether the time of the model is the time of its {@link composing}. */
  readonly isEnsemble: boolean;
}

/** By how much the counters of a model grew. */
export interface ServerGrowth {
  readonly name: string;
  readonly version: string;
  readonly inferenceCount: number;
  readonly executionCount: number;
  readonly durations: Readonly<Record<DurationName, DurationTotal>>;
  readonly composing: readonly ServerGrowth[];
  /** Whether the time of the model is the time of its {@link composing}. */
  readonly isEnsemble: boolean;
}

/**
 * Finds the models inside an ensemble, and the ensembles inside those.
 *
 * @param composing - The steps of the model itself.
 * @param called - Models that it calls by itself; none for an ensemble.
 */
export async function statisticsNode(
  client: ServerClient,
  model: ComposingModel,
  composing: readonly ComposingModel[],
  called: readonly ComposingModel[] = [],
): Promise<StatisticsNode> {
  const nodes: StatisticsNode[] = [];
  for (const { name, version } of [...composing, ...called]) {
    // A model may be the step of an ensemble twice.
    if (nodes.some((node) => node.name === name && node.version === version)) continue;
    const metadata = await client.modelMetadata(name, version);
    const config = await client.modelConfig(name, version);
    const inner = readModelDescription(metadata, config).composing;
    nodes.push(await statisticsNode(client, { name, version }, inner));
  }
  return { ...model, composing: nodes, isEnsemble: composing.length > 0 };
}

/** Reads all counters. @returns `null` for a server without the statistics extension. */
export async function readStatistics(
  client: ServerClient,
  node: StatisticsNode,
): Promise<StatisticsReading | null> {
  try {
    return await readNode(client, node);
  } catch (thrown) {
    if (thrown instanceof ServerRefusal && thrown.isUnsupported) return null;
    throw thrown;
  }
}

async function readNode(client: ServerClient, node: StatisticsNode): Promise<StatisticsReading> {
  const versions = readModelStatistics(await client.modelStatistics(node.name, node.version));
  const composing: StatisticsReading[] = [];
  for (const inner of node.composing) composing.push(await readNode(client, inner));
  return { versions, composing, isEnsemble: node.isEnsemble };
}

/** The growth between two readings of the same node. */
export function growthBetween(before: StatisticsReading, after: StatisticsReading): ServerGrowth | null {
  const candidates = after.versions
    .map((version) =>
      growthOfVersion(
        before.versions.find((each) => each.version === version.version),
        version,
      ),
    )
    .sort((a, b) => Number(b.version) - Number(a.version));
  const grown = candidates.find(({ durations }) => durations.queue.count > 0) ?? candidates[0];
  if (grown === undefined) return null;
  const composing = after.composing.flatMap((reading, i) => {
    const earlier = before.composing[i];
    const growth = earlier === undefined ? null : growthBetween(earlier, reading);
    return growth === null ? [] : [growth];
  });
  return { ...grown, composing, isEnsemble: after.isEnsemble };
}

function growthOfVersion(before: ModelStatistics | undefined, after: ModelStatistics): ServerGrowth {
  const durations = Object.fromEntries(
    durationNames.map((name) => {
      const earlier = before?.durations[name] ?? { count: 0, ns: 0 };
      const later = after.durations[name];
      return [name, { count: later.count - earlier.count, ns: later.ns - earlier.ns }];
    }),
  );
  return {
    name: after.name,
    version: after.version,
    inferenceCount: after.inferenceCount - (before?.inferenceCount ?? 0),
    executionCount: after.executionCount - (before?.executionCount ?? 0),
    // Made of all names, which is what the type asks.
    durations: durations as ServerGrowth["durations"],
    composing: [],
    isEnsemble: false,
  };
}

/** Adds the growth of windows up. @returns `null` when none has any. */
export function addGrowth(growths: readonly (ServerGrowth | null)[]): ServerGrowth | null {
  const known = growths.filter((growth) => growth !== null);
  const last = known.at(-1);
  if (last === undefined) return null;
  const alike = known.filter(({ version }) => version === last.version);
  const sum = (numberOf: (growth: ServerGrowth) => number): number =>
    alike.reduce((total, growth) => total + numberOf(growth), 0);
  const durations = Object.fromEntries(
    durationNames.map((name) => [
      name,
      {
        count: sum((growth) => growth.durations[name].count),
        ns: sum((growth) => growth.durations[name].ns),
      },
    ]),
  );
  return {
    name: last.name,
    version: last.version,
    inferenceCount: sum((growth) => growth.inferenceCount),
    executionCount: sum((growth) => growth.executionCount),
    durations: durations as ServerGrowth["durations"],
    composing: last.composing.flatMap((_inner, i) => {
      const inner = addGrowth(alike.map((growth) => growth.composing[i] ?? null));
      return inner === null ? [] : [inner];
    }),
    isEnsemble: last.isEnsemble,
  };
}

/** Where the server's time went, for an average request. All in µs. */
export interface ServerBreakdown {
  readonly requestUs: number;
  readonly overheadUs: number;
  readonly queueUs: number;
  readonly computeInputUs: number;
  readonly computeInferUs: number;
  readonly computeOutputUs: number;
  readonly cacheHitUs: number;
  readonly cacheMissUs: number;
}

/** @see contract §9.3 */
export function breakdownOf(growth: ServerGrowth): ServerBreakdown {
  const { durations, composing, isEnsemble } = growth;
  const requestUs = averageUs(durations.success);
  const own = {
    queueUs: averageUs(durations.queue),
    computeInputUs: averageUs(durations.compute_input),
    computeInferUs: averageUs(durations.compute_infer),
    computeOutputUs: averageUs(durations.compute_output),
    cacheHitUs: averageUs(durations.cache_hit),
    cacheMissUs: averageUs(durations.cache_miss),
  };
  // The time of an ensemble is spent in its steps.
  const inner = composing.map(breakdownOf);
  const sum = (key: keyof typeof own): number =>
    !isEnsemble ? own[key] : inner.reduce((total, each) => total + each[key], 0);
  const parts = {
    queueUs: sum("queueUs"),
    computeInputUs: sum("computeInputUs"),
    computeInferUs: sum("computeInferUs"),
    computeOutputUs: sum("computeOutputUs"),
    cacheHitUs: sum("cacheHitUs"),
    cacheMissUs: sum("cacheMissUs"),
  };
  const partsUs = Object.values(parts).reduce((total, part) => total + part, 0);
  return { requestUs, overheadUs: Math.max(0, requestUs - partsUs), ...parts };
}

function averageUs({ count, ns }: DurationTotal): number {
  return count === 0 ? 0 : Math.floor(ns / count / 1e3);
}
