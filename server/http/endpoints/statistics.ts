import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { HttpExchange } from "../transport/http-exchange.ts";
import { replyFailure, replyJson } from "../json-reply.ts";
import type { Route } from "../router.ts";

/** `GET /v2/models/stats` and `GET /v2/models/M[/versions/V]/stats`: a route without a model asks for all of them. */
export function modelStatistics(server: DataPlane, route: Route, exchange: HttpExchange): void {
  const reports = server.modelStatistics(route.modelName, route.modelVersion);
  if (isFailure(reports)) replyFailure(exchange, reports);
  else replyJson(exchange, { model_stats: reports });
}
