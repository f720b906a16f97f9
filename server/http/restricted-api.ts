import { type ApiCategory, type ApiRestriction, isSecret, restrictionOf } from "../api-restriction.ts";
import type { HttpExchange } from "./transport/http-exchange.ts";

/** The first of these that a path of the protocol begins with, or is, tells its category. */
const categoryByPath: readonly (readonly [path: RegExp, category: ApiCategory])[] = [
  [/^\/v2\/health\//, "health"],
  [/^\/v2\/models\/stats$/, "statistics"],
  [/^\/v2\/trace\//, "trace"],
  [/^\/v2\/logging$/, "logging"],
  [/^\/v2\/repository\//, "model-repository"],
  [/^\/v2\/(?:system|cuda)sharedmemory\//, "shared-memory"],
  [/\/(?:infer|generate|generate_stream)$/, "inference"],
  [/\/ready$/, "health"],
  [/\/config$/, "model-config"],
  [/\/stats$/, "statistics"],
  [/\/trace\/setting$/, "trace"],
];

/** A model's own path, whatever its name. */
const metadataPath = /^\/v2(?:\/models\/[^/]+(?:\/versions\/[0-9]+)?)?$/;

/** What a path of the protocol belongs to. @param path - One that the router knows. */
export function apiCategoryOf(path: string): ApiCategory {
  if (metadataPath.test(path) && path !== "/v2/models/stats") return "metadata";
  return categoryByPath.find(([pattern]) => pattern.test(path))?.[1] ?? "metadata";
}

/** The API of an HTTP listener, some of it for those only who send a secret. */
export class RestrictedHttpApi {
  readonly #restrictions: readonly ApiRestriction[];

  /** @param restrictions - `--http-restricted-api`. */
  constructor(restrictions: readonly ApiRestriction[]) {
    this.#restrictions = restrictions;
  }

  /** What to answer with 403, or `null` when the request may go on. Call it before the handler returns. */
  refusal(path: string, exchange: HttpExchange): string | null {
    if (this.#restrictions.length === 0) return null;
    const restriction = restrictionOf(this.#restrictions, apiCategoryOf(path));
    if (restriction === null || isSecret(exchange.header(restriction.key.toLowerCase()), restriction))
      return null;
    return `This API is restricted, expecting header '${restriction.key}'`;
  }
}
