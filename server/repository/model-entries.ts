import { type Failure, failure } from "../core/status.ts";
import type { Model } from "../model/model.ts";
import { ModelEntry } from "./model-entry.ts";

/** What tells a model from all others. */
export interface ModelIdentity {
  readonly name: string;
  /** Path of its repository with `--model-namespacing`, else "". */
  readonly namespace: string;
}

/** The key of a model: its name, unless names are told apart by their repositories. */
export function modelKey({ name, namespace }: ModelIdentity): string {
  return namespace === "" ? name : `${namespace}\0${name}`;
}

/**
 * All models that the server knows, found by name. With `--model-namespacing` several may have one name.
 *
 * @see contract §5.6
 */
export class ModelEntries {
  readonly #isNamespacing: boolean;
  readonly #byKey = new Map<string, ModelEntry>();
  /** Entries by name, in the order in which they came. */
  readonly #byName = new Map<string, ModelEntry[]>();

  constructor(isNamespacing: boolean) {
    this.#isNamespacing = isNamespacing;
  }

  get(identity: ModelIdentity): ModelEntry | undefined {
    return this.#byKey.get(modelKey(identity));
  }

  /** The entry of a model, made when there is none. */
  obtain(identity: ModelIdentity): ModelEntry {
    const key = modelKey(identity);
    let entry = this.#byKey.get(key);
    if (entry === undefined) {
      entry = new ModelEntry(identity.name, identity.namespace);
      this.#byKey.set(key, entry);
      this.#byName.set(entry.name, [...this.named(entry.name), entry]);
    }
    return entry;
  }

  delete(entry: ModelEntry): void {
    this.#byKey.delete(modelKey(entry));
    const others = this.named(entry.name).filter((other) => other !== entry);
    if (others.length > 0) this.#byName.set(entry.name, others);
    else this.#byName.delete(entry.name);
  }

  /** All models of one name. */
  named(name: string): readonly ModelEntry[] {
    return this.#byName.get(name) ?? [];
  }

  all(): ModelEntry[] {
    return [...this.#byKey.values()];
  }

  /** By name, then by namespace. */
  sorted(): ModelEntry[] {
    return this.all().sort((a, b) =>
      a.name === b.name ? compare(a.namespace, b.namespace) : compare(a.name, b.name),
    );
  }

  /**
   * The model that a name means.
   *
   * @param namespace - Where the name is looked for first; `null`: nowhere in particular.
   * @returns NOT_FOUND for a name that is not known, with namespaces INVALID_ARG as in Triton; INVALID_ARG for one that
   * several models have.
   */
  resolve(name: string, namespace: string | null): ModelEntry | Failure {
    const named = this.named(name);
    // Of a model that is gone only the last words are left: it takes its name from nobody.
    const present = named.length > 1 ? named.filter((entry) => !entry.isForgotten) : named;
    const candidates = present.length > 0 ? present : named;
    const [first] = candidates;
    if (first === undefined) {
      return failure(
        this.#isNamespacing ? "INVALID_ARG" : "NOT_FOUND",
        `Request for unknown model: '${name}' is not found`,
      );
    }
    if (candidates.length === 1) return first;
    const own = candidates.find((entry) => entry.namespace === namespace);
    if (own !== undefined) return own;
    const places = candidates.map((entry) => `'${entry.namespace}'`).join(", ");
    return failure(
      "INVALID_ARG",
      `Request for model '${name}' cannot resolve the ambiguity: it is in ${places}`,
    );
  }

  /**
   * Finds a ready version.
   *
   * @param version - A decimal number, or "" for the highest ready version.
   * @param namespace - As for {@link resolve}.
   */
  find(name: string, version: string, namespace: string | null): Model | Failure {
    const entry = this.resolve(name, namespace);
    if (!(entry instanceof ModelEntry)) return entry;
    if (version === "") {
      return (
        entry.latestReady ??
        failure("NOT_FOUND", `Request for unknown model: '${name}' has no available versions`)
      );
    }
    // "007" names version 7: the number counts, not its spelling.
    const known = entry.versions.get(String(Number(version)));
    if (known === undefined) {
      return failure("NOT_FOUND", `Request for unknown model: '${name}' version ${version} is not found`);
    }
    if (known.state === "READY" && known.model !== null) return known.model;
    return failure(
      "UNAVAILABLE",
      `Request for unknown model: '${name}' version ${version} is not at ready state${known.reason === "" ? "" : ` (${known.reason})`}`,
    );
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
