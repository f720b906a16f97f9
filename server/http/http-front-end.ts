import type { ApiRestriction } from "../api-restriction.ts";
import type { DataPlane } from "../data-plane.ts";
import type { HeaderForwarder } from "../header-forwarder.ts";
import { CodecThread } from "./codec-thread/codec-thread.ts";
import { modelConfig } from "./endpoints/config.ts";
import { GenerateEndpoint } from "./endpoints/generate.ts";
import { modelReady, serverLive, serverReady } from "./endpoints/health.ts";
import { InferEndpoint, type InferLimits } from "./endpoints/infer.ts";
import { logSettings, updateLogSettings } from "./endpoints/logging.ts";
import { modelMetadata, serverMetadata } from "./endpoints/metadata.ts";
import { modelLoad, modelUnload, repositoryIndex } from "./endpoints/repository.ts";
import {
  registerSharedMemory,
  sharedMemoryStatus,
  unregisterSharedMemory,
} from "./endpoints/shared-memory.ts";
import { modelStatistics } from "./endpoints/statistics.ts";
import { traceSettings, updateTraceSettings } from "./endpoints/trace.ts";
import type { HttpExchange } from "./transport/http-exchange.ts";
import { RestrictedHttpApi } from "./restricted-api.ts";
import { replyError } from "./json-reply.ts";
import { type EndpointName, type Route, Router } from "./router.ts";

/** What an operator may switch on. */
export interface HttpFrontEndSettings {
  /** `--http-restricted-api` */
  readonly restrictions: readonly ApiRestriction[];
  /** Of `--http-header-forward-pattern`; `null` without one. */
  readonly headerForwarder: HeaderForwarder | null;
}

const plainSettings: HttpFrontEndSettings = { restrictions: [], headerForwarder: null };

/** Answers one exchange of one endpoint. @param method - In lower case. */
type Handler = (server: DataPlane, route: Route, exchange: HttpExchange, method: string) => void;

/** The endpoints that need nothing but the server. */
const handlers: Readonly<Record<Exclude<EndpointName, "infer" | "generate" | "generate-stream">, Handler>> = {
  "server-metadata": (server, _, exchange) => serverMetadata(server, exchange),
  "server-live": (server, _, exchange) => serverLive(server, exchange),
  "server-ready": (server, _, exchange) => serverReady(server, exchange),
  "model-metadata": modelMetadata,
  "model-ready": modelReady,
  "model-config": modelConfig,
  "model-statistics": modelStatistics,
  logging: (server, _, exchange, method) =>
    (method === "post" ? updateLogSettings : logSettings)(server, exchange),
  "trace-settings": (server, route, exchange, method) =>
    (method === "post" ? updateTraceSettings : traceSettings)(server, route, exchange),
  "repository-index": (server, _, exchange) => repositoryIndex(server, exchange),
  "model-load": modelLoad,
  "model-unload": modelUnload,
  "shared-memory-status": sharedMemoryStatus,
  "shared-memory-register": registerSharedMemory,
  "shared-memory-unregister": unregisterSharedMemory,
};

/** Translates the HTTP/REST form of the protocol into operations of the server. */
export class HttpFrontEnd {
  readonly #server: DataPlane;
  readonly #router = new Router();
  readonly #infer: InferEndpoint;
  readonly #generate: GenerateEndpoint;
  readonly #restrictedApi: RestrictedHttpApi;
  readonly #codecThread: CodecThread;

  constructor(server: DataPlane, limits: InferLimits, settings: HttpFrontEndSettings = plainSettings) {
    this.#server = server;
    this.#codecThread = new CodecThread(limits.onBug);
    this.#infer = new InferEndpoint(server, limits, this.#codecThread, settings.headerForwarder);
    this.#generate = new GenerateEndpoint(server, limits);
    this.#restrictedApi = new RestrictedHttpApi(settings.restrictions);
  }

  /** Answers one exchange, now or when the model has. @param method - In lower case. */
  readonly handle = (method: string, path: string, exchange: HttpExchange): void => {
    const route = this.#router.match(path);
    if (route === null) return replyError(exchange, "404 Not Found", "Not Found");
    const refusal = this.#restrictedApi.refusal(path, exchange);
    if (refusal !== null) replyError(exchange, "403 Forbidden", refusal);
    else if (!route.methods.includes(method))
      replyError(exchange, "405 Method Not Allowed", "Method Not Allowed");
    else this.#dispatch(route, method, exchange);
  };

  /** When nothing is answered any more: ends the thread that large JSON is read and written in. */
  close(): void {
    this.#codecThread.close();
  }

  #dispatch(route: Route, method: string, exchange: HttpExchange): void {
    switch (route.endpoint) {
      case "infer":
        return this.#infer.handle(route, exchange);
      case "generate":
        return this.#generate.generate(route, exchange);
      case "generate-stream":
        return this.#generate.generateStream(route, exchange);
      default:
        return handlers[route.endpoint](this.#server, route, exchange, method);
    }
  }
}
