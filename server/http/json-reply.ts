import type { Failure } from "../core/status.ts";
import type { WholeReplyExchange, ReplyHeaders } from "./transport/http-exchange.ts";
import { httpStatusLine } from "./http-status.ts";

const jsonType = "application/json";

/** Replies 200 with a JSON document. */
export function replyJson(exchange: WholeReplyExchange, document: object): void {
  exchange.reply("", jsonType, JSON.stringify(document));
}

/** Replies 200 without a body. */
export function replyEmpty(exchange: WholeReplyExchange): void {
  exchange.reply("", "", "");
}

/** Replies with an error: always one JSON object with the single member `error`. */
export function replyFailure(exchange: WholeReplyExchange, failed: Failure): void {
  replyError(exchange, httpStatusLine[failed.code], failed.message);
}

/** As {@link replyFailure}, with headers besides the content type. */
export function replyFailureWithHeaders(
  exchange: WholeReplyExchange,
  failed: Failure,
  headers: ReplyHeaders,
): void {
  const allHeaders: ReplyHeaders = [["Content-Type", jsonType], ...headers];
  exchange.replyWithHeaders(httpStatusLine[failed.code], allHeaders, errorBody(failed.message));
}

/** Replies with an error that has no status of its own (404 and 405 of the router). */
export function replyError(exchange: WholeReplyExchange, statusLine: string, message: string): void {
  exchange.reply(statusLine, jsonType, errorBody(message));
}

/** The one form of all errors. */
export function errorBody(message: string): string {
  return JSON.stringify({ error: message });
}
