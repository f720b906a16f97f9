import type { LocalCacheConfig } from "../options/cache-config.ts";
import { LocalCache } from "./local-cache.ts";
import type { ResponseCache } from "./response-cache.ts";

/** The cache that the options ask for; `null`: none. @param nowUs - Monotonic µs. */
export function makeResponseCache(
  config: LocalCacheConfig | null,
  nowUs: () => number,
): ResponseCache | null {
  return config === null ? null : new LocalCache(config.sizeBytes, nowUs);
}
