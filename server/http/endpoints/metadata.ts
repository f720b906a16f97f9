import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { HttpExchange } from "../transport/http-exchange.ts";
import { replyFailure, replyJson } from "../json-reply.ts";
import type { Route } from "../router.ts";

/** `GET /v2` */
export function serverMetadata(server: DataPlane, exchange: HttpExchange): void {
  replyJson(exchange, server.serverMetadata());
}

/** `GET /v2/models/M[/versions/V]` */
export function modelMetadata(server: DataPlane, route: Route, exchange: HttpExchange): void {
  const metadata = server.modelMetadata(route.modelName, route.modelVersion);
  if (isFailure(metadata)) replyFailure(exchange, metadata);
  else replyJson(exchange, metadata);
}
