import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { deflateSync } from "node:zlib";
import { describe, it } from "mocha";
import { useServer } from "../../helpers/start-server.ts";

const root = path.resolve(import.meta.dirname, "../../../..");
const { images, labels } = JSON.parse(
  readFileSync(path.join(root, "test", "fixtures", "digits-held-out.json"), "utf8"),
) as { images: number[][]; labels: number[] };

/** Most images of one request: the models' largest batch. */
const batchSize = 64;

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, checksum]);
}

interface PngForm {
  /** Each pixel becomes so many squared. */
  readonly scale: number;
  /** PNG's colour type: 0 grey, 2 RGB, 6 RGB with alpha. */
  readonly colourType: 0 | 2 | 6;
  /** Filter of row y. */
  readonly filter: (y: number) => number;
}

/** A PNG of an 8×8 digit. */
function png(pixels: readonly number[], { scale, colourType, filter }: PngForm): Buffer {
  const side = 8 * scale;
  const channels = { 0: 1, 2: 3, 6: 4 }[colourType];
  const rows: Buffer[] = [];
  let above = Buffer.alloc(side * channels);
  for (let y = 0; y < side; y++) {
    const row = Buffer.alloc(side * channels, 255);
    for (let x = 0; x < side; x++) {
      const value = Math.round(((pixels[Math.floor(y / scale) * 8 + Math.floor(x / scale)] ?? 0) / 16) * 255);
      for (let channel = 0; channel < Math.min(channels, 3); channel++) row[x * channels + channel] = value;
    }
    rows.push(Buffer.of(filter(y)), filtered(filter(y), row, above, channels));
    above = row;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, colourType], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(rows))),
    chunk("IEND", Buffer.of()),
  ]);
}

function filtered(filter: number, row: Buffer, above: Buffer, channels: number): Buffer {
  return Buffer.from(
    row.map((value, i) => {
      const left = row[i - channels] ?? 0;
      const up = above[i] ?? 0;
      const corner = above[i - channels] ?? 0;
      const estimate = left + up - corner;
      const distance = (neighbour: number): number => Math.abs(estimate - neighbour);
      const nearest = [left, up, corner].reduce((best, next) =>
        distance(next) < distance(best) ? next : best,
      );
      return value - ([0, left, up, (left + up) >> 1, nearest][filter] ?? 0);
    }),
  );
}

describe("digits_ensemble", () => {
  const server = useServer(() => [`--model-repository=${path.join(root, "model_repository")}`]);

  async function classify(
    files: readonly Buffer[],
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const lengths = files.map((file) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(file.length);
      return length;
    });
    const data = Buffer.concat(files.flatMap((file, i) => [lengths[i] ?? Buffer.of(), file]));
    const header = JSON.stringify({
      inputs: [
        {
          name: "IMAGE",
          datatype: "BYTES",
          shape: [files.length, 1],
          parameters: { binary_data_size: data.length },
        },
      ],
      outputs: [{ name: "LABEL" }, { name: "PROBABILITIES", parameters: { classification: 1 } }],
    });
    const reply = await server.current.http.post(
      "/v2/models/digits_ensemble/infer",
      Buffer.concat([Buffer.from(header), data]),
      { headers: { "Inference-Header-Content-Length": String(header.length) } },
    );
    return { status: reply.status, body: JSON.parse(reply.text) as Record<string, unknown> };
  }

  const output = (body: Record<string, unknown>, name: string): unknown[] =>
    (body["outputs"] as { name: string; data: unknown[] }[]).find((candidate) => candidate.name === name)
      ?.data ?? [];

  it("reads PNG files of every supported form and knows at least 97 % of the digits", async () => {
    const forms: readonly PngForm[] = [
      { scale: 1, colourType: 0, filter: () => 0 },
      { scale: 3, colourType: 2, filter: (y) => y % 5 },
      { scale: 4, colourType: 6, filter: () => 4 },
    ];
    let right = 0;
    for (let first = 0; first < images.length; first += batchSize) {
      const some = images.slice(first, first + batchSize);
      const files = some.map((pixels, i) => png(pixels, forms[i % forms.length] ?? forms[0]!));
      const { status, body } = await classify(files);
      assert.equal(status, 200, JSON.stringify(body));
      right += output(body, "LABEL").filter((label, i) => label === labels[first + i]).length;
    }
    assert.ok(right / images.length >= 0.97, `${right} of ${images.length}`);
  });

  it("names the class by the labels of the model that the output comes from", async () => {
    const { body } = await classify([png(images[0] ?? [], { scale: 2, colourType: 0, filter: () => 1 })]);
    const names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    const [best] = output(body, "PROBABILITIES");
    assert.match(String(best), new RegExp(`^[01]\\.\\d{6}:${labels[0]}:${names[labels[0] ?? 0]}$`));
  });

  for (const [what, file, message] of [
    ["a file that is no PNG", Buffer.from("GIF89a"), /it is no PNG file/],
    [
      "half a file",
      png(images[0] ?? [], { scale: 1, colourType: 0, filter: () => 0 }).subarray(0, 50),
      /too early/,
    ],
    [
      "a filter that does not exist",
      png(images[0] ?? [], { scale: 1, colourType: 0, filter: () => 9 }),
      /row filter 9/,
    ],
  ] as const) {
    it(`tells the client of ${what}, with the step`, async () => {
      const { status, body } = await classify([file]);
      assert.equal(status, 400);
      assert.match(String(body["error"]), message);
      assert.match(
        String(body["error"]),
        /in ensemble 'digits_ensemble', step 0 \(model 'digits_preprocessing'\)/,
      );
    });
  }
});
