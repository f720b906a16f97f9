import { failure, type Failure } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { SentTraceSetting } from "../../tracing/trace-change.ts";
import type { TraceSettingsReport } from "../../tracing/trace-settings.ts";
import type { BodyReceiver, HttpExchange } from "../transport/http-exchange.ts";
import { replyFailure, replyJson } from "../json-reply.ts";
import type { Route } from "../router.ts";

/** Four settings need a hundred bytes. */
const maxBodyBytes = 64 * 1024;

const tooLarge = failure("INVALID_ARG", `Trace settings must not have more than ${maxBodyBytes} bytes`);

/** `GET /v2/trace/setting`, `GET /v2/models/M/trace/setting`: the trace settings, of a model or global. */
export function traceSettings(server: DataPlane, route: Route, exchange: HttpExchange): void {
  replyReport(exchange, server.traceSettings(route.modelName));
}

/** `POST` to the same paths: changes the settings that the body lists, all or none, and answers with all of them. */
export function updateTraceSettings(server: DataPlane, route: Route, exchange: HttpExchange): void {
  exchange.readBody(maxBodyBytes, new TraceSettingsUpdate(server, route, exchange));
}

class TraceSettingsUpdate implements BodyReceiver {
  readonly #server: DataPlane;
  readonly #route: Route;
  readonly #exchange: HttpExchange;

  constructor(server: DataPlane, route: Route, exchange: HttpExchange) {
    this.#server = server;
    this.#route = route;
    this.#exchange = exchange;
  }

  onBody(body: Uint8Array): void {
    const settings = parseSettings(body);
    replyReport(
      this.#exchange,
      isFailure(settings) ? settings : this.#server.changeTraceSettings(this.#route.modelName, settings),
    );
  }

  onTooLarge(): void {
    replyFailure(this.#exchange, tooLarge);
  }
}

function replyReport(exchange: HttpExchange, report: TraceSettingsReport | Failure): void {
  if (isFailure(report)) replyFailure(exchange, report);
  else replyJson(exchange, report);
}

/** The members of a JSON object, each a text, a list of texts, or null; INVALID_ARG for anything else. */
function parseSettings(body: Uint8Array): readonly SentTraceSetting[] | Failure {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch (thrown) {
    return failure("INVALID_ARG", `Unable to parse the trace settings: ${(thrown as SyntaxError).message}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    return failure("INVALID_ARG", "Unable to parse the trace settings: they must be a JSON object");
  }
  const settings: SentTraceSetting[] = [];
  for (const [name, value] of Object.entries<unknown>({ ...document })) {
    const values = typeof value === "string" ? [value] : value;
    if (values !== null && !isTextList(values)) {
      return failure(
        "INVALID_ARG",
        `Unable to parse the trace setting ${JSON.stringify(name)}: it must be a text, a list of texts or null; numbers are written as texts, such as "100"`,
      );
    }
    settings.push({ name, values });
  }
  return settings;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
