import type { InferenceResponse } from "../core/inference-response.ts";
import type { CachedResponse } from "./cached-response.ts";

/** What became of a response that was offered to a cache. */
export type InsertOutcome =
  | {
      readonly kind: "inserted";
      /** The cache's own copy, good for other requests of the same content. */
      readonly response: CachedResponse;
    }
  /** There is one under this key already, which stays. */
  | { readonly kind: "exists" }
  /** It was not kept. */
  | {
      readonly kind: "refused";
      /** Continues a sentence: `Failed to insert key: …`. */
      readonly reason: string;
    };

/** What a cache has done since it was made; for the metrics. Durations are µs with a fraction. */
export interface CacheCounters {
  readonly lookupCount: number;
  readonly hitCount: number;
  readonly missCount: number;
  readonly evictionCount: number;
  readonly lookupUs: number;
  readonly insertUs: number;
  /** Responses that it holds. */
  readonly entryCount: number;
  /** Bytes that they take. */
  readonly usedBytes: number;
  /** Most bytes that they may take. */
  readonly capacityBytes: number;
}

/**
 * Keeps responses by the content of their requests. One for all models of a server; each model version has a
 * *scope* of its own, so that a model that is loaded again, even under the same version, never finds what its
 * predecessor has said.
 *
 * @remarks
 * The calls are synchronous, because the request waits for them on the thread that serves everybody. Whoever puts
 * another implementation beside {@link LocalCache} copies in {@link insert} what it keeps.
 */
export interface ResponseCache {
  /** @param digest - See `requestDigest`. @returns `null`: there is none. */
  lookup(scope: number, digest: string): CachedResponse | null;
  /**
   * Offers a response. The cache copies what it keeps before it returns: the response's memory is used for others
   * afterwards.
   */
  insert(scope: number, digest: string, response: InferenceResponse): InsertOutcome;
  /** Drops everything of a scope: its model is going. */
  forget(scope: number): void;
  readonly counters: CacheCounters;
}
