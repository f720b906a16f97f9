import assert from "node:assert/strict";
import type { ServerInterceptingCallInterface, ServerInterceptor } from "@grpc/grpc-js";
import { describe, it } from "mocha";
import { noMessageAfterDeadline } from "../../../../../server/grpc/transport/stream-deadline.ts";

type Method = Parameters<ServerInterceptor>[0];

function method(isStream: boolean): Method {
  const asItIs = (bytes: Buffer): Buffer => bytes;
  return {
    path: "/p",
    requestStream: isStream,
    responseStream: isStream,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
  };
}

/** A call that notes what reaches it. */
function callWithDeadline(deadline: number): { call: ServerInterceptingCallInterface; sent: unknown[] } {
  const sent: unknown[] = [];
  const call = {
    getDeadline: () => deadline,
    sendMetadata: () => undefined,
    sendMessage: (message: unknown, callback: () => void) => {
      sent.push(message);
      callback();
    },
  };
  return { call: call as unknown as ServerInterceptingCallInterface, sent };
}

describe("noMessageAfterDeadline", () => {
  it("passes the messages of a stream on before its deadline", () => {
    const { call, sent } = callWithDeadline(Date.now() + 60_000);
    let writtenCount = 0;
    noMessageAfterDeadline(method(true), call).sendMessage("a", () => writtenCount++);
    assert.deepEqual([sent, writtenCount], [["a"], 1]);
  });

  it("keeps the messages of a stream back after its deadline, and does not tell of them as written", () => {
    const { call, sent } = callWithDeadline(Date.now() - 1);
    let writtenCount = 0;
    noMessageAfterDeadline(method(true), call).sendMessage("a", () => writtenCount++);
    assert.deepEqual([sent, writtenCount], [[], 0]);
  });

  it("leaves streams without a deadline and unary calls alone", () => {
    const { call } = callWithDeadline(Number.POSITIVE_INFINITY);
    assert.equal(noMessageAfterDeadline(method(true), call), call);
    const { call: late } = callWithDeadline(Date.now() - 1);
    assert.equal(noMessageAfterDeadline(method(false), late), late);
  });
});
