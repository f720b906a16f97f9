import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { encodeFrame } from "../../../../../../perf_analyzer/client-backend/h2/codec/h2-frame.ts";
import { H2FrameReader } from "../../../../../../perf_analyzer/client-backend/h2/codec/h2-frame-reader.ts";

interface Seen {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly text: string;
}

describe("H2FrameReader", () => {
  const frames: readonly Seen[] = [
    { type: 4, flags: 1, streamId: 0, text: "" },
    { type: 0, flags: 0, streamId: 0x7fff_fffe, text: "x".repeat(300) },
    { type: 1, flags: 5, streamId: 1, text: "headers" },
    { type: 0, flags: 1, streamId: 1, text: "end" },
  ];
  const bytes = Buffer.concat(
    frames.map(({ type, flags, streamId, text }) => encodeFrame(type, flags, streamId, Buffer.from(text))),
  );

  for (const size of [1, 2, 8, 9, 10, 17, 100, 309, 310, 400]) {
    it(`reads frames that come ${size} bytes at a time`, () => {
      const seen: Seen[] = [];
      const reader = new H2FrameReader(16_384, ({ type, flags, streamId, payload }) =>
        seen.push({ type, flags, streamId, text: payload.toString() }),
      );
      // The same memory each time, as a socket's buffer is.
      const buffer = Buffer.alloc(size);
      for (let at = 0; at < bytes.length; at += size) {
        const length = bytes.copy(buffer, 0, at, at + size);
        reader.push(buffer.subarray(0, length));
      }
      assert.deepEqual(seen, frames);
    });
  }

  it("refuses a frame that is longer than allowed", () => {
    const reader = new H2FrameReader(100, () => assert.fail("no frame"));
    assert.throws(
      () => reader.push(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")),
      /does not speak HTTP\/2/,
    );
    assert.throws(() => reader.push(encodeFrame(0, 0, 1, Buffer.alloc(101))), /a frame of 101 bytes/);
  });
});
