import assert from "node:assert/strict";
import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { describe, it } from "mocha";
import type { Failure } from "../../../../server/core/status.ts";
import { compress, decompress, maxCompressedBytes } from "../../../../server/http/body-compression.ts";
import type { Compression } from "../../../../server/http/codec/content-encoding.ts";

function decompressed(
  compression: Compression,
  body: Uint8Array,
  maxBytes: number,
): Promise<Buffer | Failure> {
  return new Promise((resolve) => decompress(compression, body, maxBytes, resolve));
}

async function refusal(compression: Compression, body: Uint8Array, maxBytes: number): Promise<string> {
  const result = await decompressed(compression, body, maxBytes);
  assert.ok(!Buffer.isBuffer(result), "it was decompressed");
  assert.equal(result.code, "INVALID_ARG");
  return result.message;
}

const text = Buffer.from("tensor ".repeat(1000));

for (const [compression, encode] of [
  ["gzip", gzipSync],
  ["deflate", deflateSync],
] as const) {
  describe(`decompress of ${compression}`, () => {
    it("gives the bytes", async () => {
      assert.deepEqual(await decompressed(compression, encode(text), 10_000), text);
    });

    it("gives an empty body", async () => {
      assert.deepEqual(await decompressed(compression, encode(""), 1), Buffer.of());
    });

    it("allows exactly the limit and not a byte more", async () => {
      assert.deepEqual(await decompressed(compression, encode(text), text.byteLength), text);
      assert.match(
        await refusal(compression, encode(text), text.byteLength - 1),
        /exceeds the maximum allowed input size of 6999 bytes: raise --http-max-input-size/,
      );
    });

    it("stops a zip bomb at the limit", async () => {
      const bomb = encode(Buffer.alloc(256 * 1024 * 1024));
      const before = process.memoryUsage.rss();
      await refusal(compression, bomb, 1_000_000);
      const grownBytes = process.memoryUsage.rss() - before;
      assert.ok(grownBytes < 64 * 1024 * 1024, `memory grew by ${grownBytes} bytes`);
    });

    it("refuses data that is broken, cut off or missing", async () => {
      const broken = encode(text);
      broken.fill(0xaa, broken.byteLength - 30);
      for (const body of [broken, encode(text).subarray(0, 20), Buffer.from("{}"), Buffer.of()]) {
        assert.match(await refusal(compression, body, 10_000), /^Unable to decompress the request body as/);
      }
    });
  });
}

describe("decompress", () => {
  it("takes deflate for the zlib format, not for the raw one", async () => {
    await refusal("deflate", deflateRawSync(text), 10_000);
  });
});

describe("maxCompressedBytes", () => {
  it("has room for bytes that do not compress", () => {
    const noise = Buffer.from(
      Array.from({ length: 1_000_000 }, (_, i) => Math.imul(i ^ (i >>> 7), 2654435761) >>> 24),
    );
    assert.ok(gzipSync(noise, { level: 0 }).byteLength <= maxCompressedBytes(noise.byteLength));
  });
});

describe("compress", () => {
  it("makes what the encoding's decoder reads", async () => {
    const compressed = (compression: Compression): Promise<Buffer | null> =>
      new Promise((resolve) => compress(compression, text, resolve));
    assert.deepEqual(gunzipSync((await compressed("gzip"))!), text);
    assert.deepEqual(inflateSync((await compressed("deflate"))!), text);
  });
});
