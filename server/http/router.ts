import type { SharedMemoryKind } from "../shared-memory/shared-memory-region.ts";

/** What a path asks for. */
export type EndpointName =
  | "server-metadata"
  | "server-live"
  | "server-ready"
  | "model-metadata"
  | "model-ready"
  | "model-config"
  | "model-statistics"
  | "logging"
  | "trace-settings"
  | "infer"
  | "generate"
  | "generate-stream"
  | "repository-index"
  | "model-load"
  | "model-unload"
  | "shared-memory-status"
  | "shared-memory-register"
  | "shared-memory-unregister";

/** A path of the protocol. */
export interface Route {
  readonly endpoint: EndpointName;
  /** Methods that the endpoint answers; others get 405. */
  readonly methods: readonly string[];
  /** "" where the path names no model. Not URL-decoded, like in Triton. */
  readonly modelName: string;
  /** Decimal digits, or "" where the path names no version. */
  readonly modelVersion: string;
  /** "" where the path names no repository. */
  readonly repositoryName: string;
  /** Which of the shared-memory extensions; "system" for all other paths. */
  readonly memoryKind: SharedMemoryKind;
  /** "" where the path names no region. Not URL-decoded. */
  readonly regionName: string;
}

const get = ["get"] as const;
const post = ["post"] as const;
const getAndPost = ["get", "post"] as const;

const fixedRoutes: ReadonlyMap<string, Pick<Route, "endpoint" | "methods">> = new Map([
  ["/v2", { endpoint: "server-metadata", methods: get }],
  ["/v2/health/live", { endpoint: "server-live", methods: get }],
  ["/v2/health/ready", { endpoint: "server-ready", methods: get }],
  ["/v2/models/stats", { endpoint: "model-statistics", methods: get }],
  ["/v2/trace/setting", { endpoint: "trace-settings", methods: getAndPost }],
  ["/v2/logging", { endpoint: "logging", methods: getAndPost }],
] as const);

/** `/v2/models/M[/versions/V][/action]` */
const modelPath =
  /^\/v2\/models\/([^/]+)(?:\/versions\/([0-9]+))?(?:\/(ready|config|stats|infer|generate|generate_stream|trace\/setting))?$/;

const modelActions: ReadonlyMap<string, Pick<Route, "endpoint" | "methods">> = new Map([
  ["", { endpoint: "model-metadata", methods: get }],
  ["ready", { endpoint: "model-ready", methods: get }],
  ["config", { endpoint: "model-config", methods: get }],
  ["infer", { endpoint: "infer", methods: post }],
  ["stats", { endpoint: "model-statistics", methods: get }],
  ["generate", { endpoint: "generate", methods: post }],
  ["generate_stream", { endpoint: "generate-stream", methods: post }],
  ["trace/setting", { endpoint: "trace-settings", methods: getAndPost }],
] as const);

/** `/v2/repository[/R]/index` and `/v2/repository[/R]/models/M/(load|unload)` */
const repositoryPath = /^\/v2\/repository(?:\/([^/]+))?\/(?:index|models\/([^/]+)\/(load|unload))$/;

/** The shared memory extensions. */
const sharedMemoryPath =
  /^\/v2\/(system|cuda)sharedmemory(?:\/region\/([^/]+))?\/(register|unregister|status)$/;

const noNames = {
  modelName: "",
  modelVersion: "",
  repositoryName: "",
  memoryKind: "system",
  regionName: "",
} as const;

/**
 * Finds the endpoint of a path. The whole path must match: a trailing slash does not.
 *
 * @param path - Without the query.
 * @returns `null` for a path that the protocol does not have.
 * @see contract §1.1
 */
export function matchRoute(path: string): Route | null {
  const fixed = fixedRoutes.get(path);
  if (fixed !== undefined) return { ...fixed, ...noNames };
  const model = modelPath.exec(path);
  if (model !== null) {
    const [, modelName = "", modelVersion = "", action = ""] = model;
    const found = modelActions.get(action);
    // Trace settings belong to a model, not to a version.
    if (found === undefined || (action === "trace/setting" && modelVersion !== "")) return null;
    return { ...found, ...noNames, modelName, modelVersion };
  }
  const repository = repositoryPath.exec(path);
  if (repository !== null) {
    const [, repositoryName = "", modelName = "", action = "index"] = repository;
    const endpoint =
      action === "index" ? "repository-index" : action === "load" ? "model-load" : "model-unload";
    return { endpoint, methods: post, ...noNames, modelName, repositoryName };
  }
  return matchSharedMemory(path);
}

function matchSharedMemory(path: string): Route | null {
  const match = sharedMemoryPath.exec(path);
  if (match === null) return null;
  const [, kind, regionName = "", operation] = match;
  const memoryKind = kind === "cuda" ? "cuda" : "system";
  if (operation === "status") {
    return { endpoint: "shared-memory-status", methods: get, ...noNames, memoryKind, regionName };
  }
  const endpoint = operation === "register" ? "shared-memory-register" : "shared-memory-unregister";
  return { endpoint, methods: post, ...noNames, memoryKind, regionName };
}

/** Paths remembered at most: clients use a handful, but the cache must not grow with what they invent. */
const cacheLimit = 1024;

/** Remembers the routes of paths that were asked for: on the hot path a route is one map look-up. */
export class Router {
  readonly #cache = new Map<string, Route | null>();
  /** Comparing with the last path costs less than hashing this one, and busy servers are asked one path again and again. */
  #lastPath = "";
  #lastRoute: Route | null = null;

  /** @see matchRoute */
  match(path: string): Route | null {
    if (path === this.#lastPath) return this.#lastRoute;
    const route = this.#find(path);
    this.#lastPath = path;
    this.#lastRoute = route;
    return route;
  }

  #find(path: string): Route | null {
    const cached = this.#cache.get(path);
    if (cached !== undefined) return cached;
    if (this.#cache.size >= cacheLimit) this.#cache.clear();
    const route = matchRoute(path);
    this.#cache.set(path, route);
    return route;
  }
}
