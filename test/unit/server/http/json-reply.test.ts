import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  replyEmpty,
  replyError,
  replyFailure,
  replyFailureWithHeaders,
  replyJson,
} from "../../../../server/http/json-reply.ts";
import type { HttpExchange } from "../../../../server/http/transport/http-exchange.ts";

/** What `send` replies: status line, content type and body. */
function replyOf(send: (exchange: HttpExchange) => void): unknown[] {
  const replies: unknown[][] = [];
  const unused = (): never => assert.fail("not for replies");
  send({
    header: unused,
    eachHeader: unused,
    readBody: unused,
    cancelWhenAborted: unused,
    startReply: unused,
    replyBinaryTensors: unused,
    replyLargeTensors: unused,
    replyWithHeaders: (...reply) => replies.push(reply),
    reply: (...reply) => replies.push(reply),
  });
  assert.equal(replies.length, 1);
  return replies[0]!;
}

describe("json-reply", () => {
  it("replyJson sends a document with 200", () => {
    assert.deepEqual(
      replyOf((exchange) => replyJson(exchange, { name: "ß" })),
      ["", "application/json", '{"name":"ß"}'],
    );
  });

  it("replyEmpty sends 200 and nothing else", () => {
    assert.deepEqual(replyOf(replyEmpty), ["", "", ""]);
  });

  it("replyFailureWithHeaders adds to what replyFailure sends", () => {
    const failed = { code: "UNSUPPORTED", message: "no" } as const;
    assert.deepEqual(
      replyOf((exchange) => replyFailureWithHeaders(exchange, failed, [["Accept", "x"]])),
      [
        "501 Not Implemented",
        [
          ["Content-Type", "application/json"],
          ["Accept", "x"],
        ],
        '{"error":"no"}',
      ],
    );
  });

  it("replyFailure sends one object with the member error, and the status of its class", () => {
    const failed = { code: "UNAVAILABLE", message: 'say "when"\n' } as const;
    assert.deepEqual(
      replyOf((exchange) => replyFailure(exchange, failed)),
      ["503 Service Unavailable", "application/json", '{"error":"say \\"when\\"\\n"}'],
    );
  });

  it("replyError sends the status that it is given", () => {
    assert.deepEqual(
      replyOf((exchange) => replyError(exchange, "405 Method Not Allowed", "Method Not Allowed")),
      ["405 Method Not Allowed", "application/json", '{"error":"Method Not Allowed"}'],
    );
  });
});
