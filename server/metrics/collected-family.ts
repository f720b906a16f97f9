import { Counter, Gauge, type Registry } from "prom-client";
import type { FamilyType } from "./metric-families.ts";

/** One series at the time of a scrape. */
export interface Series {
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

/** Puts a family on the page. Its HELP and TYPE lines are printed even when it has no series. */
export function registerFamily(registry: Registry, family: CollectedFamily): void {
  registry.registerMetric(
    family.type === "counter" ? new CollectedCounter(family) : new CollectedGauge(family),
  );
}
