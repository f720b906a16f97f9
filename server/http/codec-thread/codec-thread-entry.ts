import { parentPort } from "node:worker_threads";
import { StatusError } from "../../core/status.ts";
import { codecOperations, type MovableAnswer } from "./codec-operations.ts";
import type { CodecCall, CodecReply } from "./codec-thread-protocol.ts";

/** The codec thread: does what it is asked, one thing after the other. */
if (parentPort === null) throw new Error("codec-thread-entry runs in a worker thread only. This is a bug.");
const port = parentPort;

port.on("message", ({ operation, question }: CodecCall) => {
  // The table's types pair each operation with its question; a message has lost them.
  const run = codecOperations[operation] as (question: unknown) => MovableAnswer<unknown>;
  let reply: CodecReply;
  let transfer: readonly ArrayBuffer[] = [];
  try {
    const done = run(question);
    reply = { kind: "answer", answer: done.answer };
    transfer = done.transfer;
  } catch (thrown) {
    reply =
      thrown instanceof StatusError
        ? { kind: "failure", failure: thrown.toFailure() }
        : { kind: "bug", thrown };
  }
  port.postMessage(reply, transfer);
});
