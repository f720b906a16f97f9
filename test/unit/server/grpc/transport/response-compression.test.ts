import assert from "node:assert/strict";
import { gunzipSync, inflateSync } from "node:zlib";
import { describe, it } from "mocha";
import type { OutgoingMessage } from "../../../../../server/grpc/transport/grpc-transport.ts";
import {
  chooseEncoding,
  CompressedMessage,
  type CompressionLevel,
  compressMessage,
  type MessageEncoding,
} from "../../../../../server/grpc/transport/response-compression.ts";

/** The message in a frame as the library makes one, its five bytes included. */
function framed(message: OutgoingMessage): Buffer {
  const frame = Buffer.alloc(message.byteLength + 5);
  frame.writeUInt32BE(message.byteLength, 1);
  message.copy(frame, 5);
  return frame;
}

function compressed(message: OutgoingMessage, encoding: MessageEncoding, level: CompressionLevel) {
  return new Promise<OutgoingMessage>((resolve) => compressMessage(message, encoding, level, resolve));
}

describe("chooseEncoding", () => {
  for (const [accepted, low, medium, high] of [
    ["identity, deflate, gzip", "gzip", "deflate", "deflate"],
    ["gzip,identity", "gzip", "gzip", "gzip"],
    ["deflate", "deflate", "deflate", "deflate"],
    ["identity,br, zstd", null, null, null],
    ["xgzip", null, null, null],
    ["", null, null, null],
  ] as const) {
    it(`chooseEncoding among "${accepted}" as gRPC's core does`, () => {
      const levels = ["low", "medium", "high"] as const;
      assert.deepEqual(
        levels.map((level) => chooseEncoding(level, accepted)),
        [low, medium, high],
      );
      assert.equal(chooseEncoding("none", accepted), null);
    });
  }
});

describe("compressMessage", () => {
  for (const byteLength of [1_024, 16_384, 1_000_000]) {
    for (const [encoding, expand] of [
      ["gzip", gunzipSync],
      ["deflate", inflateSync],
    ] as const) {
      it(`compressMessage makes ${byteLength} bytes of text shorter with ${encoding}, and says so in the frame`, async () => {
        const plain = Buffer.alloc(byteLength, "tensor ");
        const frame = framed(await compressed(plain, encoding, "low"));
        assert.equal(frame.readUInt8(0), 1);
        assert.equal(frame.readUInt32BE(1), frame.byteLength - 5);
        assert.ok(frame.byteLength < byteLength / 2);
        assert.ok(expand(frame.subarray(5)).equals(plain));
      });
    }
  }

  it("compressMessage leaves short messages, and those that do not get shorter, as they are", async () => {
    for (const plain of [Buffer.alloc(0), Buffer.alloc(1_023)]) {
      assert.equal(await compressed(plain, "gzip", "high"), plain);
    }
    const { subtle } = globalThis.crypto;
    const random = Buffer.concat(
      await Promise.all(
        Array.from({ length: 600 }, async (_, i) =>
          Buffer.from(await subtle.digest("SHA-256", Buffer.from([i >> 8, i]))),
        ),
      ),
    );
    for (const length of [10_000, random.byteLength]) {
      const frame = framed(await compressed(random.subarray(0, length), "gzip", "high"));
      assert.equal(frame.readUInt8(0), 0);
      assert.ok(frame.subarray(5).equals(random.subarray(0, length)));
    }
  });

  it("compressMessage has the message written before it returns", async () => {
    let isOver = false;
    const message: OutgoingMessage = {
      byteLength: 100_000,
      copy: (target, start) => {
        assert.equal(isOver, false);
        target.fill(7, start);
      },
    };
    const done = compressed(message, "gzip", "low");
    isOver = true;
    assert.ok(gunzipSync(framed(await done).subarray(5)).equals(Buffer.alloc(100_000, 7)));
  });

  it("compressMessage does the work of long messages elsewhere", async () => {
    let isDone = false;
    const done = new Promise<void>((resolve) => {
      compressMessage(Buffer.alloc(1_000_000), "gzip", "low", () => {
        isDone = true;
        resolve();
      });
    });
    assert.equal(isDone, false);
    await done;
  });
});

describe("CompressedMessage", () => {
  it("CompressedMessage refuses to be written where there is no frame for it", () => {
    const message = new CompressedMessage(Buffer.of(1, 2, 3));
    const wrongLength = Buffer.from([0, 0, 0, 0, 4, 0, 0, 0]);
    assert.throws(() => message.copy(wrongLength, 5), /This is a bug/);
    assert.throws(() => message.copy(Buffer.alloc(3), 0), /This is a bug/);
    assert.deepEqual([...framed(message)], [1, 0, 0, 0, 3, 1, 2, 3]);
  });
});
