import assert from "node:assert/strict";
import type { ClientUnaryCall } from "@grpc/grpc-js";
import { beforeEach, describe, it } from "mocha";
import { slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverHttp, row, rowModelConfig, rowsMessage } from "../../helpers/fp32-rows.ts";
import { failureOf } from "../../helpers/grpc-client.ts";
import type { MetricsPage } from "../../helpers/metrics-page.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** gRPC's CANCELLED and DEADLINE_EXCEEDED. */
const grpcCancelled = 1;
const grpcDeadlineExceeded = 4;

describe("Cancellation", () => {
  const repository = useRepository((made) => {
    made.add("slow", { config: rowModelConfig(), versions: { 1: slowModel(25_000) } });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);
  let before: MetricsPage;

  beforeEach(async () => {
    // Opens the connection, which may take longer than the instance is busy.
    await server.current.grpc.call("ServerLive", {});
    before = await server.current.metrics();
  });

  function send(seed: number, signal?: AbortSignal): Promise<Buffer> {
    return inferRowsOverHttp(server.current.http, "slow", [row(seed)], signal);
  }

  async function waitForPending(count: number): Promise<void> {
    await waitUntil(
      `${count} requests wait`,
      async () => (await server.current.metrics()).model("slow").pending === count,
    );
  }

  /** Two requests, one of which executes and one waits: whatever comes next waits as well, and longer. */
  async function keepBusy(): Promise<{ readonly ended: Promise<unknown> }> {
    const ended = Promise.all([send(100), send(101)]);
    await waitForPending(1);
    return { ended };
  }

  /** The request was counted as cancelled, and only the two that kept the instance busy were executed. */
  async function assertDropped(busy: { readonly ended: Promise<unknown> }): Promise<void> {
    await waitUntil("the request is counted as cancelled", async () => {
      const page = await server.current.metrics();
      return page.failures("slow", "CANCELED") === before.failures("slow", "CANCELED") + 1;
    });
    await busy.ended;
    const page = await server.current.metrics();
    assert.equal(page.model("slow").executions - before.model("slow").executions, 2);
    assert.equal(page.model("slow").success - before.model("slow").success, 2);
    assert.equal(page.model("slow").pending, 0);
  }

  it("of a waiting HTTP request by closing its connection keeps it from being executed", async () => {
    const busy = await keepBusy();
    const aborted = new AbortController();
    const waiting = send(1, aborted.signal);
    await waitForPending(2);
    aborted.abort();
    await assert.rejects(waiting, /abort/i);
    await assertDropped(busy);
  });

  it("of a waiting gRPC call keeps it from being executed (row 156)", async () => {
    const busy = await keepBusy();
    const calls: ClientUnaryCall[] = [];
    const waiting = failureOf(
      server.current.grpc.infer(rowsMessage("slow", [row(1)]), { onCall: (call) => calls.push(call) }),
    );
    await waitForPending(2);
    calls[0]?.cancel();
    assert.equal((await waiting).code, grpcCancelled);
    await assertDropped(busy);
  });

  it("by a gRPC deadline keeps a waiting call from being executed (row 155)", async () => {
    const busy = await keepBusy();
    const { code } = await failureOf(
      server.current.grpc.infer(rowsMessage("slow", [row(1)]), { deadlineMs: 100 }),
    );
    assert.equal(code, grpcDeadlineExceeded);
    await assertDropped(busy);
  });

  it("of a request that executes already lets it end, and hurts no other", async () => {
    const calls: ClientUnaryCall[] = [];
    const infer = (seed: number): Promise<unknown> =>
      server.current.grpc.infer(rowsMessage("slow", [row(seed)]), { onCall: (call) => calls.push(call) });
    // Calls of one connection arrive in order: the first one executes.
    const executing = failureOf(infer(1));
    const waiting = infer(2);
    await waitForPending(1);
    calls[0]?.cancel();
    assert.equal((await executing).code, grpcCancelled);
    await waiting;
    const page = await server.current.metrics();
    assert.equal(page.model("slow").executions - before.model("slow").executions, 2);
    assert.equal(page.failures("slow", "CANCELED"), before.failures("slow", "CANCELED"));
  });
});
