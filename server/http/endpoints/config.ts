import { type DataPlane, isFailure } from "../../data-plane.ts";
import { renderModelConfig } from "../../model-config/render-config.ts";
import type { HttpExchange } from "../transport/http-exchange.ts";
import { replyFailure, replyJson } from "../json-reply.ts";
import type { Route } from "../router.ts";

/** `GET /v2/models/M[/versions/V]/config`: the effective config, with what was completed and defaulted. */
export function modelConfig(server: DataPlane, route: Route, exchange: HttpExchange): void {
  const model = server.findModel(route.modelName, route.modelVersion);
  if (isFailure(model)) replyFailure(exchange, model);
  else replyJson(exchange, renderModelConfig(model.config));
}
