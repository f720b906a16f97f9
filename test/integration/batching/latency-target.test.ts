import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import {
  inferRowsOverGrpc,
  inferRowsOverHttp,
  row,
  rowModelConfig,
  rowsTensor,
} from "../../helpers/fp32-rows.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** Keeps an instance busy for some 30 ms or more. */
const slowLoops = 2_500;
/** Room for some executions one after the other, and for far fewer than {@link burstSize}. */
const targetUs = 400_000;
const burstSize = 200;

describe("Latency target", () => {
  const repository = useRepository((made) => {
    const dynamic_batching = { latency_target_microseconds: targetUs };
    made.add("alone", {
      config: rowModelConfig({ max_batch_size: 1, dynamic_batching }),
      versions: { 1: slowModel(slowLoops) },
    });
    made.add("joined", {
      config: rowModelConfig({ dynamic_batching }),
      versions: { 1: slowModel(slowLoops) },
    });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  it("refuses at once, and with the reason, what a burst is too much for", async () => {
    const { http, grpc } = server.current;
    // Nothing is refused while nothing is known.
    await inferRowsOverHttp(http, "alone", [row(0)]);
    let answeredCount = 0;
    const refusedBefore: number[] = [];
    const outcomes = await Promise.all(
      Array.from({ length: burstSize }, async (_, i) => {
        try {
          const output = await inferRowsOverGrpc(grpc, "alone", [row(i)]);
          answeredCount++;
          assert.deepEqual(output, Buffer.from(rowsTensor(row(i)).data));
          return "";
        } catch (thrown) {
          refusedBefore.push(answeredCount);
          return String(thrown);
        }
      }),
    );
    const refused = outcomes.filter((outcome) => outcome !== "");
    for (const text of refused) assert.match(text, /UNAVAILABLE.*within the latency target of 400000 µs/);
    assert.ok(refused.length > burstSize / 2, `${refused.length} refused`);
    assert.ok(answeredCount > 0);
    // Before most of the others were answered: nobody waits for a refusal.
    assert.ok(refusedBefore[0]! <= 2, `the first was refused after ${refusedBefore[0]!} answers`);
    const page = await server.current.metrics();
    assert.equal(page.model("alone").success, answeredCount + 1);
  });

  it("joins what arrives while there is time", async () => {
    const { grpc } = server.current;
    await inferRowsOverGrpc(grpc, "joined", [row(0)]);
    const before = (await server.current.metrics()).model("joined");
    // Each finds an idle instance, and waits all the same.
    const sent = Array.from({ length: 4 }, (_, i) => inferRowsOverGrpc(grpc, "joined", [row(i)]));
    await waitUntil(
      "they wait",
      async () => (await server.current.metrics()).model("joined").pending === sent.length,
    );
    await Promise.all(sent);
    const after = (await server.current.metrics()).model("joined");
    assert.equal(after.executions - before.executions, 1);
    assert.equal(after.inferences - before.inferences, 4);
  });
});
