import { constants } from "node:buffer";
import { type Failure, failure, type Status, StatusError } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import { readIndexRequest, readLoadRequest, readUnloadRequest } from "../codec/repository-request.ts";
import { replyEmpty, replyFailure, replyJson } from "../json-reply.ts";
import type { Route } from "../router.ts";
import type { HttpExchange } from "../transport/http-exchange.ts";

/** Content-Length is a signed 32-bit number in Triton; JSON is read as one text, and Node's texts have a limit as well. */
const maxBodyBytes = Math.min(2 ** 31 - 1, constants.MAX_STRING_LENGTH);

const tooLarge = failure(
  "INVALID_ARG",
  `request JSON size exceeds the maximum allowed input size of ${maxBodyBytes} bytes: send large files over gRPC, or put them into the repository`,
);

const withRepositoryName = failure("UNSUPPORTED", "'repository_name' specification is not supported");

/** `POST /v2/repository[/R]/index`. The repository's name is not looked at, as in Triton. */
export function repositoryIndex(server: DataPlane, exchange: HttpExchange): void {
  readBody(exchange, async (body) => {
    const rows = await server.repositoryIndex(readIndexRequest(body));
    if (isFailure(rows)) return replyFailure(exchange, rows);
    // What is not known is left out.
    const filled = rows.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([, text]) => text !== "")),
    );
    replyJson(exchange, filled);
  });
}

/** `POST /v2/repository/models/M/load`: answered when the load has ended. */
export function modelLoad(server: DataPlane, route: Route, exchange: HttpExchange): void {
  readBody(exchange, async (body) => {
    if (route.repositoryName !== "") return replyFailure(exchange, withRepositoryName);
    replyStatus(exchange, await server.loadModel({ modelName: route.modelName, ...readLoadRequest(body) }));
  });
}

/** `POST /v2/repository/models/M/unload`: answered when the unload has begun. */
export function modelUnload(server: DataPlane, route: Route, exchange: HttpExchange): void {
  readBody(exchange, async (body) => {
    if (route.repositoryName !== "") return replyFailure(exchange, withRepositoryName);
    replyStatus(exchange, await server.unloadModel(route.modelName, readUnloadRequest(body)));
  });
}

function replyStatus(exchange: HttpExchange, status: Status): void {
  if (status === null) replyEmpty(exchange);
  else replyFailure(exchange, status);
}

/** @param answer - What it throws as a StatusError becomes the reply. */
function readBody(exchange: HttpExchange, answer: (body: Uint8Array) => Promise<void>): void {
  exchange.readBody(maxBodyBytes, {
    onBody: (body) => {
      answer(body).catch((thrown: unknown) => replyFailure(exchange, failureOf(thrown)));
    },
    onTooLarge: () => replyFailure(exchange, tooLarge),
  });
}

/** Operations do not reject, so this is what the codec refused. */
function failureOf(thrown: unknown): Failure {
  return StatusError.from(thrown).toFailure();
}
