import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { useServer } from "../../helpers/start-server.ts";

const fixture = new URL("../../../../test/fixtures/digits-held-out.json", import.meta.url);
const { images, labels } = JSON.parse(readFileSync(fixture, "utf8")) as {
  images: number[][];
  labels: number[];
};
const names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

describe("Classification", () => {
  const server = useServer(() => [
    `--model-repository=${new URL("../../../../model_repository", import.meta.url).pathname}`,
  ]);

  async function infer(
    model: string,
    request: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const { status, text } = await server.current.http.post(
      `/v2/models/${model}/infer`,
      JSON.stringify(request),
    );
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  }

  const digit = (index: number, outputs: object[]) => ({
    inputs: [{ name: "image", datatype: "FP32", shape: [1, 1, 8, 8], data: images[index] }],
    outputs,
  });

  it("gives the best classes with their labels, other outputs as they are (row 61)", async () => {
    const outputs = [{ name: "probabilities", parameters: { classification: 3 } }, { name: "label" }];
    const { status, body } = await infer("digits", digit(0, outputs));
    assert.equal(status, 200, JSON.stringify(body));
    const [classes, label] = body["outputs"] as { datatype: string; shape: number[]; data: unknown[] }[];
    assert.ok(classes !== undefined && label !== undefined);
    assert.deepEqual([classes.datatype, classes.shape], ["BYTES", [1, 3]]);
    const [value, index, name] = String(classes.data[0]).split(":");
    assert.match(String(value), /^[01]\.\d{6}$/);
    assert.equal(Number(index), labels[0]);
    assert.equal(name, names[Number(index)]);
    assert.deepEqual(label.data, [Number(index)]);
  });

  it("gives all classes when more are wanted (row 58)", async () => {
    const outputs = [{ name: "probabilities", parameters: { classification: 1000 } }];
    const { body } = await infer("digits", digit(1, outputs));
    const [classes] = body["outputs"] as { shape: number[] }[];
    assert.deepEqual(classes?.shape, [1, 10]);
  });

  it("refuses an output without an order before it runs (row 59)", async () => {
    const data = new Array<string>(16).fill("1");
    const input = (name: string) => ({ name, datatype: "BYTES", shape: [1, 16], data });
    const outputs = [{ name: "OUTPUT0", parameters: { classification: 1 } }];
    const { status, body } = await infer("simple_string", {
      inputs: [input("INPUT0"), input("INPUT1")],
      outputs,
    });
    assert.equal(status, 400);
    assert.match(
      String(body["error"]),
      /class result not available for output due to unsupported type 'BYTES'/,
    );
  });
});
