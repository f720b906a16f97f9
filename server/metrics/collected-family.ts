import { Counter, Gauge, Histogram, type Metric, type Registry, Summary } from "prom-client";
import type { FamilyType, SeriesSuffix } from "./metric-families.ts";

/** One series at the time of a scrape. */
export interface Series {
  /** What follows the family's name: "" in families of single numbers. */
  readonly suffix: SeriesSuffix;
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** What a family shows and where its series come from. */
export interface CollectedFamily {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  /** Called once per scrape. */
  readonly collect: () => Series[];
}

/**
 * A counter that keeps no values of its own.
 *
 * @remarks prom-client fixes the label names of a metric when it is made, but models bring labels of their own and
 * come and go. Its registry prints whatever `get` returns, so the series are made there, at scrape time, and the hot
 * path touches plain numbers only.
 */
class CollectedCounter extends Counter {
  readonly #collect: () => Series[];

  constructor({ name, help, collect }: CollectedFamily) {
    super({ name, help, registers: [] });
    this.#collect = collect;
  }

  override async get(): ReturnType<Counter["get"]> {
    return { ...(await super.get()), values: this.#collect() };
  }
}

/** A gauge that keeps no values of its own: see {@link CollectedCounter}. */
class CollectedGauge extends Gauge {
  readonly #collect: () => Series[];

  constructor({ name, help, collect }: CollectedFamily) {
    super({ name, help, registers: [] });
    this.#collect = collect;
  }

  override async get(): ReturnType<Gauge["get"]> {
    return { ...(await super.get()), values: this.#collect() };
  }
}

/** A summary that keeps no values of its own: see {@link CollectedCounter}. */
class CollectedSummary extends Summary {
  readonly #family: CollectedFamily;

  constructor(family: CollectedFamily) {
    super({ name: family.name, help: family.help, registers: [] });
    this.#family = family;
  }

  override async get(): ReturnType<Summary["get"]> {
    return { ...(await super.get()), values: namedSeries(this.#family) };
  }
}

/** A histogram that keeps no values of its own: see {@link CollectedCounter}. */
class CollectedHistogram extends Histogram {
  readonly #family: CollectedFamily;
  /** Tells everything but the values: the inherited `get` would ask {@link getForPromString} for it. */
  readonly #head: Histogram;

  constructor(family: CollectedFamily) {
    const parts = { name: family.name, help: family.help, registers: [] };
    super(parts);
    this.#family = family;
    this.#head = new Histogram(parts);
  }

  override async get(): ReturnType<Histogram["get"]> {
    return { ...(await this.#head.get()), values: namedSeries(this.#family) };
  }

  /** What the registry asks histograms for. */
  getForPromString(): ReturnType<Histogram["get"]> {
    return this.get();
  }
}

function namedSeries({ name, collect }: CollectedFamily): (Series & { readonly metricName: string })[] {
  return collect().map((series) => ({ ...series, metricName: name + series.suffix }));
}

/** Puts a family on the page. Its HELP and TYPE lines are printed even when it has no series. */
export function registerFamily(registry: Registry, family: CollectedFamily): void {
  registry.registerMetric(collectedMetric(family));
}

function collectedMetric(family: CollectedFamily): Metric {
  switch (family.type) {
    case "counter":
      return new CollectedCounter(family);
    case "gauge":
      return new CollectedGauge(family);
    case "summary":
      return new CollectedSummary(family);
    case "histogram":
      return new CollectedHistogram(family);
  }
}
