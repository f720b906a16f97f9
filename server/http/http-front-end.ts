import type { ApiRestriction } from "../api-restriction.ts";
import { failure } from "../core/status.ts";
import type { DataPlane } from "../data-plane.ts";
import type { HeaderForwarder } from "../header-forwarder.ts";
import { CodecThread } from "./codec-thread/codec-thread.ts";
import { modelConfig } from "./endpoints/config.ts";
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
import { replyError, replyFailure } from "./json-reply.ts";
import { type Route, Router } from "./router.ts";

/** What an operator may switch on. */
export interface HttpFrontEndSettings {
  /** `--http-restricted-api` */
  readonly restrictions: readonly ApiRestriction[];
  /** Of `--http-header-forward-pattern`; `null` without one. */
  readonly headerForwarder: HeaderForwarder | null;
}

const plainSettings: HttpFrontEndSettings = { restrictions: [], headerForwarder: null };

/** Translates the HTTP/REST form of the protocol into operations of the server. */
export class HttpFrontEnd {
  readonly #server: DataPlane;
  readonly #router = new Router();
  readonly #infer: InferEndpoint;
  readonly #restrictedApi: RestrictedHttpApi;
  readonly #codecThread: CodecThread;

  constructor(server: DataPlane, limits: InferLimits, settings: HttpFrontEndSettings = plainSettings) {
    this.#server = server;
    this.#codecThread = new CodecThread(limits.onBug);
    this.#infer = new InferEndpoint(server, limits, this.#codecThread, settings.headerForwarder);
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
    else this.#dispatch(route, method, path, exchange);
  };

  /** When nothing is answered any more: ends the thread that large JSON is read and written in. */
  close(): void {
    this.#codecThread.close();
  }

  #dispatch(route: Route, method: string, path: string, exchange: HttpExchange): void {
    switch (route.endpoint) {
      case "infer":
        return this.#infer.handle(route, exchange);
      case "server-metadata":
        return serverMetadata(this.#server, exchange);
      case "server-live":
        return serverLive(this.#server, exchange);
      case "server-ready":
        return serverReady(this.#server, exchange);
      case "model-metadata":
        return modelMetadata(this.#server, route, exchange);
      case "model-ready":
        return modelReady(this.#server, route, exchange);
      case "model-config":
        return modelConfig(this.#server, route, exchange);
      case "model-statistics":
        return modelStatistics(this.#server, route, exchange);
      case "logging":
        return (method === "post" ? updateLogSettings : logSettings)(this.#server, exchange);
      case "trace-settings":
        return (method === "post" ? updateTraceSettings : traceSettings)(this.#server, route, exchange);
      case "repository-index":
        return repositoryIndex(this.#server, exchange);
      case "model-load":
        return modelLoad(this.#server, route, exchange);
      case "model-unload":
        return modelUnload(this.#server, route, exchange);
      case "shared-memory-status":
        return sharedMemoryStatus(this.#server, route, exchange);
      case "shared-memory-register":
        return registerSharedMemory(this.#server, route, exchange);
      case "shared-memory-unregister":
        return unregisterSharedMemory(this.#server, route, exchange);
      case "not-supported-yet":
        return replyFailure(exchange, failure("UNSUPPORTED", `${path} is not supported yet`));
    }
  }
}
