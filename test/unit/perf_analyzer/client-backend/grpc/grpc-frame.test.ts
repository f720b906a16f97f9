import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  frameMessage,
  MessageSplitter,
} from "../../../../../perf_analyzer/client-backend/grpc/grpc-frame.ts";

const messages = [Buffer.alloc(0), Buffer.from("one"), Buffer.alloc(70_000, 7), Buffer.from("last")];

describe("MessageSplitter", () => {
  for (const chunkBytes of [1, 4, 5, 6, 16_384, 1_000_000]) {
    it(`finds messages in chunks of ${chunkBytes} bytes`, () => {
      const bytes = Buffer.concat(messages.map((message) => frameMessage(message, "none")));
      const splitter = new MessageSplitter();
      const found: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        found.push(...splitter.push(bytes.subarray(at, at + chunkBytes), "identity"));
      }
      assert.deepEqual(found, messages);
    });
  }

  it("expands compressed messages, and refuses unknown ways", () => {
    for (const compression of ["gzip", "deflate"] as const) {
      const frame = frameMessage(Buffer.from("text"), compression);
      assert.deepEqual(new MessageSplitter().push(frame, compression), [Buffer.from("text")]);
    }
    const frame = frameMessage(Buffer.from("text"), "gzip");
    assert.throws(() => new MessageSplitter().push(frame, "snappy"), /compressed with "snappy"/);
  });
});
