import { failure } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { HttpExchange } from "../transport/http-exchange.ts";
import { httpStatusLine } from "../http-status.ts";
import { replyEmpty, replyFailure } from "../json-reply.ts";
import type { Route } from "../router.ts";

const exiting = failure("UNAVAILABLE", "Server exiting");
const notReady = failure("INVALID_ARG", "Model version not ready");

/** `GET /v2/health/live`: 200 or 400 without a body; 503 while the server exits. */
export function serverLive(server: DataPlane, exchange: HttpExchange): void {
  replyHealth(server, exchange, server.isLive());
}

/** `GET /v2/health/ready`: as {@link serverLive}. */
export function serverReady(server: DataPlane, exchange: HttpExchange): void {
  replyHealth(server, exchange, server.isReady());
}

function replyHealth(server: DataPlane, exchange: HttpExchange, isHealthy: boolean): void {
  if (server.isExiting()) replyFailure(exchange, exiting);
  else if (isHealthy) replyEmpty(exchange);
  else exchange.reply(httpStatusLine.INVALID_ARG, "", "");
}

/** `GET /v2/models/M[/versions/V]/ready`: 200 without a body, or the reason why not. */
export function modelReady(server: DataPlane, route: Route, exchange: HttpExchange): void {
  const ready = server.modelReady(route.modelName, route.modelVersion);
  if (isFailure(ready)) replyFailure(exchange, ready);
  else if (ready) replyEmpty(exchange);
  else replyFailure(exchange, notReady);
}
