import { cacheConfigValue } from "./cache-config.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { integerValue } from "./option-value.ts";
import type { ServerOptions } from "./server-options.ts";

/** The options of the response cache. */
export const cacheOptions = {
  cacheConfig: {
    flag: "--cache-config",
    group: "Response cache",
    value: cacheConfigValue,
    doc:
      "The cache that keeps responses of models whose configuration says `response_cache.enable`: local,size=<bytes>, " +
      "in the server's memory. Raise the size when nv_cache_num_evictions grows while requests repeat.",
    defaultValue: null,
    defaultText: "none",
    defaultReason: "Memory for repeated requests is well spent only where requests repeat.",
  },
  responseCacheByteSize: {
    flag: "--response-cache-byte-size",
    group: "Response cache",
    value: integerValue(0, Number.MAX_SAFE_INTEGER),
    unit: "bytes",
    doc: "Deprecated, use --cache-config=local,size=<bytes>. 0 is no cache.",
    defaultValue: 0,
    defaultReason: "Triton's default.",
  },
} satisfies Partial<{ readonly [F in keyof ServerOptions]: OptionDefinition<ServerOptions[F]> }>;
