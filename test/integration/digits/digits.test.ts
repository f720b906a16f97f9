import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { before, describe, it } from "mocha";
import { binaryOutputs, binaryRequest, inferResponse, type WireTensor } from "../../helpers/binary-infer.ts";
import { useServer } from "../../helpers/start-server.ts";

const root = path.resolve(import.meta.dirname, "../../../..");
const batchSize = 64;
const classCount = 10;
const pixelCount = 64;

/** Images that the model was not trained on, and what they show. */
interface HeldOutDigits {
  readonly images: readonly (readonly number[])[];
  readonly labels: readonly number[];
}

/** What the model says of some images. */
interface Classified {
  /** As raw bytes, to be compared bit by bit. */
  readonly probabilities: Buffer;
  readonly labels: readonly number[];
}

function imageTensor(images: HeldOutDigits["images"]): WireTensor {
  const data = new Uint8Array(Float32Array.from(images.flat()).buffer);
  return { name: "image", datatype: "FP32", shape: [images.length, 1, 8, 8], data };
}

function classified(probabilities: Buffer | undefined, labels: Buffer | undefined): Classified {
  assert.ok(probabilities !== undefined && labels !== undefined);
  const count = labels.byteLength / 8;
  assert.equal(probabilities.byteLength, count * classCount * 4);
  return {
    probabilities,
    labels: Array.from({ length: count }, (_, index) => Number(labels.readBigInt64LE(index * 8))),
  };
}

/** Position of the largest of the probabilities of one image. */
function mostProbable(probabilities: Buffer, image: number): number {
  const values = Array.from({ length: classCount }, (_, digit) =>
    probabilities.readFloatLE((image * classCount + digit) * 4),
  );
  return values.indexOf(Math.max(...values));
}

describe("Digits classifier", () => {
  const server = useServer(() => [`--model-repository=${path.join(root, "model_repository")}`]);
  let held: HeldOutDigits;
  let batches: HeldOutDigits["images"][];
  const overHttp: Classified[] = [];

  before(async function () {
    held = JSON.parse(
      readFileSync(path.join(root, "test/fixtures/digits-held-out.json"), "utf8"),
    ) as HeldOutDigits;
    batches = [];
    for (let start = 0; start < held.images.length; start += batchSize) {
      batches.push(held.images.slice(start, start + batchSize));
    }
    for (const images of batches) {
      const { body, headers } = binaryRequest([imageTensor(images)]);
      const reply = await server.current.http.post("/v2/models/digits/infer", body, { headers });
      const outputs = binaryOutputs(reply);
      overHttp.push(classified(outputs.get("probabilities"), outputs.get("label")));
    }
  });

  it("gets at least 97 % of the held-out digits right", () => {
    assert.ok(held.images.length >= 400 && held.images.every((image) => image.length === pixelCount));
    const predicted = overHttp.flatMap((batch) => batch.labels);
    const right = predicted.filter((label, index) => label === held.labels[index]).length;
    assert.equal(predicted.length, held.labels.length);
    assert.ok(right / predicted.length >= 0.97, `${right} of ${predicted.length}`);
  });

  it("gives the most probable digit as the label of every image", () => {
    for (const { probabilities, labels } of overHttp) {
      assert.deepEqual(
        labels,
        labels.map((_, image) => mostProbable(probabilities, image)),
      );
    }
  });

  it("answers bit for bit the same over gRPC", async () => {
    for (const [index, images] of batches.entries()) {
      const { name, datatype, shape, data } = imageTensor(images);
      const response = await server.current.grpc.infer({
        model_name: "digits",
        inputs: [{ name, datatype, shape }],
        raw_input_contents: [data],
      });
      const raw = new Map(
        response.outputs.map((output, position) => [output.name, response.raw_output_contents[position]]),
      );
      assert.deepEqual(classified(raw.get("probabilities"), raw.get("label")), overHttp[index]);
    }
  });

  it("gives the same labels one by one over HTTP with JSON", async () => {
    const count = 40;
    const labels: unknown[] = [];
    for (const image of held.images.slice(0, count)) {
      const reply = await server.current.http.post("/v2/models/digits/infer", {
        inputs: [{ name: "image", datatype: "FP32", shape: [1, 1, 8, 8], data: image }],
      });
      const outputs = new Map(inferResponse(reply).outputs.map((output) => [output.name, output.data]));
      const probabilities = outputs.get("probabilities") as number[];
      assert.ok(Math.abs(probabilities.reduce((sum, value) => sum + value, 0) - 1) < 1e-5);
      labels.push(outputs.get("label")?.[0]);
    }
    assert.deepEqual(labels, overHttp[0]?.labels.slice(0, count));
  });

  it("gives the same labels to many clients at once", async () => {
    const count = 64;
    const replies = await Promise.all(
      held.images.slice(0, count).map((image) => {
        const { body, headers } = binaryRequest([imageTensor([image])]);
        return server.current.http.post("/v2/models/digits/infer", body, { headers });
      }),
    );
    const labels = replies.map((reply) => Number(binaryOutputs(reply).get("label")?.readBigInt64LE()));
    assert.deepEqual(labels, overHttp[0]?.labels.slice(0, count));
  });
});
