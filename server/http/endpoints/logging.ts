import { failure, type Failure } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { BodyReceiver, HttpExchange } from "../transport/http-exchange.ts";
import { replyFailure, replyJson } from "../json-reply.ts";

/** Six settings need a hundred bytes. */
const maxBodyBytes = 64 * 1024;

const tooLarge = failure("INVALID_ARG", `Log settings must not have more than ${maxBodyBytes} bytes`);

/** `GET /v2/logging`: the log settings. */
export function logSettings(server: DataPlane, exchange: HttpExchange): void {
  replyJson(exchange, server.logSettings());
}

/**
 * `POST /v2/logging`: changes the settings that the body lists, one after the other, and answers with all of them. At
 * the first that is refused it ends; those before it are changed then. A setting that is null stays as it is.
 */
export function updateLogSettings(server: DataPlane, exchange: HttpExchange): void {
  exchange.readBody(maxBodyBytes, new LogSettingsUpdate(server, exchange));
}

class LogSettingsUpdate implements BodyReceiver {
  readonly #server: DataPlane;
  readonly #exchange: HttpExchange;

  constructor(server: DataPlane, exchange: HttpExchange) {
    this.#server = server;
    this.#exchange = exchange;
  }

  onBody(body: Uint8Array): void {
    const settings = parseObject(body);
    if (isFailure(settings)) return replyFailure(this.#exchange, settings);
    for (const [name, value] of settings) {
      if (value === null) continue;
      const refusal = this.#server.changeLogSetting(name, value);
      if (refusal !== null) return replyFailure(this.#exchange, withHttpCode(refusal, name, value));
    }
    logSettings(this.#server, this.#exchange);
  }

  onTooLarge(): void {
    replyFailure(this.#exchange, tooLarge);
  }
}

/** The members of a JSON object in their order, or INVALID_ARG for anything else. */
function parseObject(body: Uint8Array): readonly (readonly [string, unknown])[] | Failure {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch (thrown) {
    return failure("INVALID_ARG", `Unable to parse the log settings: ${(thrown as SyntaxError).message}`);
  }
  if (typeof document === "object" && document !== null && !Array.isArray(document))
    return Object.entries(document);
  return failure("INVALID_ARG", "Unable to parse the log settings: they must be a JSON object");
}

/** Over HTTP alone Triton answers an unknown format with 503. @see contract §2.7 */
function withHttpCode(refusal: Failure, name: string, value: unknown): Failure {
  if (name !== "log_format" || typeof value !== "string") return refusal;
  return { ...refusal, code: "UNAVAILABLE" };
}
