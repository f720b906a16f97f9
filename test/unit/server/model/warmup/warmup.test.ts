import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { InferenceRequest } from "../../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import { failure } from "../../../../../server/core/status.ts";
import type { WarmupSampleConfig } from "../../../../../server/model-config/model-config.ts";
import { prepareWarmup, runWarmup } from "../../../../../server/model/warmup/warmup.ts";
import { makeInput, makeModelConfig } from "../../../../helpers/model-config.ts";

function sample(parts: Partial<WarmupSampleConfig> = {}): WarmupSampleConfig {
  const input = { datatype: "FP32", dims: [4], source: { kind: "random" } } as const;
  return { name: "s", batchSize: 1, count: 1, inputs: new Map([["INPUT0", input]]), ...parts };
}

function prepare(samples: WarmupSampleConfig[], parts = {}) {
  return prepareWarmup(makeModelConfig({ modelWarmup: samples, ...parts }), "nowhere", null);
}

/** An instance that answers each batch with what `answer` does to it. */
function instanceThat(answer: (batch: InferenceRequest[]) => void) {
  const batches: InferenceRequest[][] = [];
  return {
    batches,
    execute: (batch: InferenceRequest[]) => {
      batches.push(batch);
      setImmediate(() => answer(batch));
    },
  };
}

const response = new InferenceResponse({
  modelName: "m",
  modelVersion: "1",
  id: "",
  outputs: [],
  parameters: null,
  buffer: null,
});
const completeAll = (batch: InferenceRequest[]): void =>
  batch.forEach((request) => request.complete(response));

const idle = (): Promise<null> => Promise.resolve(null);

describe("runWarmup", () => {
  it("runs batch_size copies of one row in each of count executions", async () => {
    const samples = await prepare([sample({ batchSize: 3, count: 2 }), sample({ name: "other" })]);
    const instance = instanceThat(completeAll);
    await runWarmup(samples, instance, idle);
    assert.deepEqual(
      instance.batches.map((batch) => batch.length),
      [3, 3, 1],
    );
    for (const { batchSize, inputs } of instance.batches.flat()) {
      assert.deepEqual([batchSize, inputs[0]?.shape, inputs[0]?.data.byteLength], [1, [1, 4], 16]);
    }
  });

  it("waits for the end of each execution, which may come after its answers", async () => {
    const samples = await prepare([sample({ count: 3 })]);
    const instance = instanceThat(completeAll);
    const counts: number[] = [];
    await runWarmup(samples, instance, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      counts.push(instance.batches.length);
      return counts.length < 3 ? null : failure("INTERNAL", "died");
    }).catch((thrown: unknown) => assert.match(String(thrown), /failed to run warmup sample 's': died/));
    assert.deepEqual(counts, [1, 2, 3]);
  });

  it("skips samples without rows", async () => {
    assert.deepEqual(await prepare([sample({ batchSize: 0 })]), []);
  });

  it("takes any number of responses of a decoupled model (row 122)", async () => {
    const samples = await prepare([sample({ batchSize: 2, count: 3 })]);
    const instance = instanceThat((batch) => {
      for (const request of batch) {
        request.respond(response);
        request.respond(response);
        request.end();
      }
    });
    await runWarmup(samples, instance, idle);
    assert.equal(instance.batches.length, 3);
  });

  it("fails with the sample's name at the first failure (row 121)", async () => {
    const samples = await prepare([sample({ batchSize: 2, count: 5 })]);
    const instance = instanceThat(([first, second]) => {
      first!.complete(response);
      second!.respondFailure(failure("INTERNAL", "broke"));
      second!.end();
    });
    await assert.rejects(runWarmup(samples, instance, idle), {
      code: "INTERNAL",
      message: "failed to run warmup sample 's': broke",
    });
    assert.equal(instance.batches.length, 1);
  });
});

describe("prepareWarmup", () => {
  it("refuses what the model does not take (row 121)", async () => {
    const input = { datatype: "FP32", dims: [5], source: { kind: "zero" } } as const;
    const refused = async (parts: Partial<WarmupSampleConfig>, message: RegExp): Promise<void> => {
      await assert.rejects(prepare([sample(parts)]), { code: "INVALID_ARG", message });
    };
    await refused(
      { inputs: new Map([["INPUT0", input]]) },
      /^failed to run warmup sample 's': unexpected shape/,
    );
    await refused({ inputs: new Map() }, /^failed to run warmup sample 's': expected 1 inputs but got 0/);
    await refused({ inputs: new Map([["INPUT1", input]]) }, /unexpected inference input 'INPUT1'/);
    await refused({ batchSize: 9 }, /batch_size 9 is larger than max_batch_size 8/);
    const file = { datatype: "FP32", dims: [4], source: { kind: "file", filename: "f" } } as const;
    await refused({ inputs: new Map([["INPUT0", file]]) }, /^failed to run warmup sample 's': cannot read/);
  });

  it("gives models that do not batch their shapes as they are, and lets optional inputs be left out", async () => {
    const config = {
      maxBatchSize: 0,
      input: [makeInput("INPUT0"), makeInput("INPUT1", { isOptional: true })],
    };
    const [prepared] = await prepare([sample()], config);
    const instance = instanceThat(completeAll);
    await runWarmup([prepared!], instance, idle);
    assert.deepEqual(
      instance.batches[0]![0]!.inputs.map(({ shape }) => shape),
      [[4]],
    );
    await assert.rejects(
      prepare([sample({ batchSize: 2 })], config),
      /batch_size 2 is larger than max_batch_size 0/,
    );
  });
});
