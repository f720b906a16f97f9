import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { binaryRequest } from "../../helpers/binary-infer.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { type StoredTensor, tensorFlowFixtures } from "../../helpers/tensorflow-case.ts";

const root = path.resolve(import.meta.dirname, "../../../..");
const samples = JSON.parse(readFileSync(path.join(tensorFlowFixtures, "samples.json"), "utf8")) as Record<
  string,
  { readonly inputs: Record<string, StoredTensor> }
>;
/** A graph of a SavedModel, one with a loop, a frozen graph and layers. */
const requestCounts = {
  digits_tf: 10_000,
  power_iteration: 500,
  diabetes_graphdef: 500,
  digits_js: 500,
};

describe("TensorFlow's tensors", () => {
  const repository = useRepository((made) => {
    for (const name of Object.keys(requestCounts))
      cpSync(path.join(root, "model_repository", name), path.join(made.path, name), { recursive: true });
  });

  /** Serves requests to each model and ends. @returns What each instance's thread left, sorted. */
  async function leftBy(share: number): Promise<string[]> {
    const counts = path.join(repository.current.path, "..", `counts-${share}`);
    const preload = path.join(tensorFlowFixtures, "count-tensors.cjs");
    const server = await RunningServer.start([`--model-repository=${repository.current.path}`], {
      NODE_OPTIONS: `--require=${preload}`,
      NEREID_TENSOR_COUNTS: counts,
    });
    for (const [model, count] of Object.entries(requestCounts)) {
      const inputs = Object.entries(samples[model]!.inputs).map(([name, tensor]) => ({
        ...tensor,
        name,
        data: Buffer.from(tensor.data, "base64"),
      }));
      const { body, headers } = binaryRequest(inputs);
      let left = Math.ceil(count * share);
      const client = async (): Promise<void> => {
        while (left-- > 0) {
          const reply = await server.http.post(`/v2/models/${model}/infer`, body, { headers });
          assert.equal(reply.status, 200, reply.text);
        }
      };
      await Promise.all(Array.from({ length: 16 }, client));
    }
    await server.stop();
    return readFileSync(counts, "utf8").trim().split("\n").sort();
  }

  it("are as many after 10,000 requests as after ten, in each instance", async function () {
    this.timeout(180_000);
    const few = await leftBy(1e-3);
    // One instance each, and two of the one without configuration.
    assert.equal(few.length, Object.keys(requestCounts).length + 1);
    for (const line of few) assert.match(line, /^wasm \d+$/);
    assert.deepEqual(await leftBy(1), few);
  });
});
