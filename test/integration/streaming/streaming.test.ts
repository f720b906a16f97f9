import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { identityModel, slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { row, rowModelConfig, rowsMessage, rowsTensor } from "../../helpers/fp32-rows.ts";
import { InferStreamClient, type InferStreamOptions } from "../../helpers/grpc-infer-stream.ts";
import { RunningServer, useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** gRPC's status codes. */
const status = { ok: 0, cancelled: 1, deadlineExceeded: 4, unavailable: 14 } as const;

const ask = (model: string, id: string, seed: number): Record<string, unknown> => ({
  ...rowsMessage(model, [row(seed)]),
  id,
});
const answer = (seed: number): string => Buffer.from(rowsTensor(row(seed)).data).toString("hex");
const hex = (data: Buffer | undefined): string => data?.toString("hex") ?? "";

describe("Streaming", () => {
  const repository = useRepository((made) => {
    const dims = ["batch", 16] as const;
    made.add("identity", { config: rowModelConfig(), versions: { 1: identityModel("FP32", dims) } });
    // One request at a time, so that the others wait.
    made.add("slow", { config: rowModelConfig({ max_batch_size: 1 }), versions: { 1: slowModel(25_000) } });
  });

  describe("over one server", () => {
    const server = useServer(() => [`--model-repository=${repository.current.path}`]);
    const open = (options: InferStreamOptions = {}): InferStreamClient =>
      InferStreamClient.connect(server.current.addresses.grpc, options);

    it("answers many requests in their order, and counts them as any others", async () => {
      const before = (await server.current.metrics()).model("identity");
      const stream = open();
      const count = 300;
      for (let i = 0; i < count; i++) stream.send(ask("identity", `r${i}`, i));
      stream.halfClose();
      assert.equal((await stream.ended).code, status.ok);
      assert.equal(stream.replies.length, count);
      for (const [index, { id, error, isFinal, outputs }] of stream.replies.entries()) {
        assert.deepEqual([id, error, isFinal], [`r${index}`, "", true]);
        assert.equal(hex(outputs[0]?.data), answer(index));
      }
      const after = (await server.current.metrics()).model("identity");
      assert.equal(after.success - before.success, count);
    });

    it("uses several models in one stream, and a fast one waits for a slow one before it", async () => {
      const stream = open();
      stream.send(ask("slow", "slow", 1));
      stream.send(ask("identity", "fast", 2));
      stream.send(ask("nowhere", "unknown", 3));
      stream.halfClose();
      assert.equal((await stream.ended).code, status.ok);
      const [slow, fast, unknown] = stream.replies;
      assert.deepEqual([slow?.id, slow?.model, hex(slow?.outputs[0]?.data)], ["slow", "slow/1", answer(1)]);
      assert.deepEqual(
        [fast?.id, fast?.model, hex(fast?.outputs[0]?.data)],
        ["fast", "identity/1", answer(2)],
      );
      assert.deepEqual([unknown?.id, unknown?.isFinal], ["unknown", null]);
      assert.match(unknown?.error ?? "", /unknown model: 'nowhere'/);
    });

    it("goes on after a request that validation refuses (row 152)", async () => {
      const stream = open();
      stream.send({ ...ask("identity", "bad", 1), raw_input_contents: [Buffer.alloc(4)] });
      stream.send(ask("identity", "good", 2));
      stream.halfClose();
      assert.equal((await stream.ended).code, status.ok);
      assert.match(stream.replies[0]?.error ?? "", /^\[request id: bad\] .*input byte size mismatch/);
      assert.equal(hex(stream.replies[1]?.outputs[0]?.data), answer(2));
    });

    /** Opens a stream with requests of which one executes at a time, and has it end before all are answered. */
    async function endEarly(count: number, options: InferStreamOptions, cancel: boolean): Promise<number> {
      const before = await server.current.metrics();
      const stream = open(options);
      for (let i = 0; i < count; i++) stream.send(ask("slow", String(i), i));
      if (cancel) {
        await waitUntil(
          "some wait",
          async () => (await server.current.metrics()).model("slow").pending >= count / 2,
        );
        stream.cancel();
      }
      const { code } = await stream.ended;
      let cancelled = 0;
      await waitUntil("every request has ended", async () => {
        const page = await server.current.metrics();
        cancelled = page.failures("slow", "CANCELED") - before.failures("slow", "CANCELED");
        return page.model("slow").success - before.model("slow").success + cancelled === count;
      });
      assert.ok(cancelled >= count / 2 - 2, `${cancelled} of ${count} requests are counted as cancelled`);
      assert.ok(stream.replies.length <= count - cancelled);
      return code;
    }

    it("cancels every waiting request when the client cancels (row 158)", async () => {
      assert.equal(await endEarly(20, {}, true), status.cancelled);
    });

    it("cancels every waiting request when the deadline passes (row 155)", async () => {
      assert.equal(await endEarly(200, { deadlineMs: 200 }, false), status.deadlineExceeded);
    });
  });

  describe("and the end of the server", () => {
    let server: RunningServer | null = null;
    afterEach(() => server?.kill());
    const start = async (): Promise<RunningServer> =>
      (server = await RunningServer.start([`--model-repository=${repository.current.path}`]));

    it("answers what is in flight, and is not held up by open streams", async () => {
      const running = await start();
      const idle = InferStreamClient.connect(running.addresses.grpc);
      const busy = InferStreamClient.connect(running.addresses.grpc);
      idle.send(ask("identity", "1", 1));
      await idle.waitFor(1);
      for (let i = 0; i < 3; i++) busy.send(ask("slow", String(i), i));
      await waitUntil("they wait", async () => (await running.metrics()).model("slow").pending >= 1);
      const beforeMs = performance.now();
      await running.stop();
      assert.ok(performance.now() - beforeMs < 15_000, "the exit timeout of 30 s was used up");
      assert.equal((await idle.ended).code, status.unavailable);
      assert.equal((await busy.ended).code, status.unavailable);
      assert.deepEqual(
        busy.replies.map(({ id, error, outputs }) => [id, error, hex(outputs[0]?.data)]),
        [0, 1, 2].map((seed) => [String(seed), "", answer(seed)]),
      );
    });

    it("ends open streams with UNAVAILABLE when it is killed (row 163)", async () => {
      const running = await start();
      const stream = InferStreamClient.connect(running.addresses.grpc);
      stream.send(ask("identity", "1", 1));
      await stream.waitFor(1);
      await running.kill();
      assert.equal((await stream.ended).code, status.unavailable);
      const next = await start();
      const again = InferStreamClient.connect(next.addresses.grpc);
      again.send(ask("identity", "2", 2));
      again.halfClose();
      assert.equal((await again.ended).code, status.ok);
      assert.equal(again.replies.length, 1);
      await next.stop();
    });
  });
});
