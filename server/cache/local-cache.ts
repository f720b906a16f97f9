import type { InferenceResponse } from "../core/inference-response.ts";
import { CachedResponse } from "./cached-response.ts";
import type { CacheCounters, InsertOutcome, ResponseCache } from "./response-cache.ts";

/** A response in the cache, and its neighbours in the order of use. */
class Entry {
  readonly scope: number;
  readonly digest: string;
  readonly response: CachedResponse;
  /** Used just before this one; `null`: this one is the least recently used. */
  older: Entry | null = null;
  /** Used just after this one; `null`: this one is the most recently used. */
  newer: Entry | null = null;

  constructor(scope: number, digest: string, response: CachedResponse) {
    this.scope = scope;
    this.digest = digest;
    this.response = response;
  }
}

/**
 * The cache in this process's memory. It holds as much as its size allows and gives up what has been unused for the
 * longest time.
 *
 * ```
 *   oldest ⇄ entry ⇄ … ⇄ entry ⇄ newest        the order of use, over all scopes
 *   scope → digest → entry                      how one is found
 * ```
 *
 * @remarks What is given up may still be on its way to a client; it goes when that is done.
 * @see contract §6.9
 */
export class LocalCache implements ResponseCache {
  readonly #capacityBytes: number;
  readonly #nowUs: () => number;
  readonly #scopes = new Map<number, Map<string, Entry>>();
  #oldest: Entry | null = null;
  #newest: Entry | null = null;
  #usedBytes = 0;
  #entryCount = 0;
  #lookupCount = 0;
  #hitCount = 0;
  #evictionCount = 0;
  #lookupUs = 0;
  #insertUs = 0;

  /** @param capacityBytes - At least 1. @param nowUs - Monotonic µs. */
  constructor(capacityBytes: number, nowUs: () => number) {
    this.#capacityBytes = capacityBytes;
    this.#nowUs = nowUs;
  }

  lookup(scope: number, digest: string): CachedResponse | null {
    const startUs = this.#nowUs();
    const entry = this.#scopes.get(scope)?.get(digest);
    this.#lookupCount++;
    if (entry !== undefined) {
      this.#hitCount++;
      if (entry !== this.#newest) {
        this.#unlink(entry);
        this.#append(entry);
      }
    }
    this.#lookupUs += this.#nowUs() - startUs;
    return entry?.response ?? null;
  }

  insert(scope: number, digest: string, response: InferenceResponse): InsertOutcome {
    const startUs = this.#nowUs();
    const outcome = this.#insert(scope, digest, response);
    this.#insertUs += this.#nowUs() - startUs;
    return outcome;
  }

  forget(scope: number): void {
    for (const entry of this.#scopes.get(scope)?.values() ?? []) {
      this.#unlink(entry);
      this.#usedBytes -= entry.response.byteSize;
      this.#entryCount--;
    }
    this.#scopes.delete(scope);
  }

  get counters(): CacheCounters {
    return {
      lookupCount: this.#lookupCount,
      hitCount: this.#hitCount,
      missCount: this.#lookupCount - this.#hitCount,
      evictionCount: this.#evictionCount,
      lookupUs: this.#lookupUs,
      insertUs: this.#insertUs,
      entryCount: this.#entryCount,
      usedBytes: this.#usedBytes,
      capacityBytes: this.#capacityBytes,
    };
  }

  #insert(scope: number, digest: string, response: InferenceResponse): InsertOutcome {
    let entries = this.#scopes.get(scope);
    if (entries?.has(digest) === true) return { kind: "exists" };
    const byteSize = CachedResponse.byteSizeOf(response);
    if (byteSize > this.#capacityBytes) {
      const reason = `the response takes ${byteSize} bytes, and the whole cache has ${this.#capacityBytes}`;
      return { kind: "refused", reason };
    }
    while (this.#usedBytes + byteSize > this.#capacityBytes) this.#evictOldest();
    const kept = CachedResponse.copyOf(response);
    const entry = new Entry(scope, digest, kept);
    // Looked for again: the last entry of the scope may just have gone.
    entries = this.#scopes.get(scope);
    if (entries === undefined) {
      entries = new Map();
      this.#scopes.set(scope, entries);
    }
    entries.set(digest, entry);
    this.#append(entry);
    this.#usedBytes += byteSize;
    this.#entryCount++;
    return { kind: "inserted", response: kept };
  }

  #evictOldest(): void {
    const entry = this.#oldest;
    if (entry === null) throw new Error("An empty cache is full. This is a bug.");
    this.#unlink(entry);
    const entries = this.#scopes.get(entry.scope);
    entries?.delete(entry.digest);
    if (entries?.size === 0) this.#scopes.delete(entry.scope);
    this.#usedBytes -= entry.response.byteSize;
    this.#entryCount--;
    this.#evictionCount++;
  }

  #append(entry: Entry): void {
    entry.older = this.#newest;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry): void {
    if (entry.older === null) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === null) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    entry.older = null;
    entry.newer = null;
  }
}
