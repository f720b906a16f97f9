import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import {
  inferRowsOverGrpc,
  inferRowsOverHttp,
  row,
  rowModelConfig,
  rowsTensor,
} from "../../helpers/fp32-rows.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

function bytesOf(seed: number): Buffer {
  return Buffer.from(rowsTensor(row(seed)).data);
}

/** What became of a request: its bytes, or the error. */
async function outcome(request: Promise<Buffer>): Promise<Buffer | string> {
  return request.catch((thrown: unknown) => String(thrown));
}

describe("Shutdown", () => {
  const repository = useRepository((made) => {
    made.add("slow", { config: rowModelConfig(), versions: { 1: slowModel(20_000) } });
    // Some ten seconds a call.
    made.add("endless", { config: rowModelConfig(), versions: { 1: slowModel(1_000_000) } });
  });
  let server: RunningServer | null = null;
  afterEach(() => server?.kill());

  async function start(...args: readonly string[]): Promise<RunningServer> {
    server = await RunningServer.start([`--model-repository=${repository.current.path}`, ...args]);
    await server.grpc.call("ServerLive", {});
    return server;
  }

  async function waitForPending(running: RunningServer, count: number, model = "slow"): Promise<void> {
    await waitUntil(
      `${count} requests wait`,
      async () => (await running.metrics()).model(model).pending === count,
    );
  }

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`by ${signal} answers every accepted request, and ends with exit code 0`, async () => {
      const running = await start();
      const requests = [
        inferRowsOverHttp(running.http, "slow", [row(0)]),
        inferRowsOverHttp(running.http, "slow", [row(1)]),
        inferRowsOverGrpc(running.grpc, "slow", [row(2)]),
        inferRowsOverGrpc(running.grpc, "slow", [row(3)]),
      ];
      await waitForPending(running, 3);
      running.process.signal(signal);
      // Further signals change nothing.
      running.process.signal(signal);
      assert.deepEqual(await Promise.all(requests), [0, 1, 2, 3].map(bytesOf));
      const { code, stderr } = await running.process.ended;
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`${signal} received`));
    });
  }

  it("takes no new HTTP connection while it waits, and answers on those that are open (row 161)", async () => {
    const running = await start();
    const request = inferRowsOverHttp(running.http, "slow", [row(0)]);
    const more = inferRowsOverHttp(running.http, "slow", [row(1)]);
    await waitForPending(running, 1);
    running.process.signal("SIGTERM");
    const { hostname, port } = new URL(running.addresses.http);
    await waitUntil("new connections are refused", async () => {
      const status = await fetch(`http://${hostname}:${port}/v2/health/ready`, {
        headers: { connection: "close" },
      }).then(
        (reply) => reply.status,
        () => "refused" as const,
      );
      return status === "refused" || status === 503;
    });
    assert.deepEqual(await Promise.all([request, more]), [bytesOf(0), bytesOf(1)]);
    assert.equal((await running.process.ended).code, 0);
  });

  it("counts --exit-timeout-secs once, not for each phase (row 161)", async () => {
    const running = await start("--exit-timeout-secs=2");
    const requests = [0, 1].map((seed) => outcome(inferRowsOverHttp(running.http, "endless", [row(seed)])));
    await waitForPending(running, 1, "endless");
    const startMs = performance.now();
    running.process.signal("SIGTERM");
    await Promise.all(requests);
    const { stderr } = await running.process.ended;
    assert.match(stderr, /Exit timeout expired/);
    // Two phases of two seconds would be four.
    assert.ok(performance.now() - startMs < 3_800, `${performance.now() - startMs} ms`);
  });

  it("while models load waits for them, and ends with exit code 0", async () => {
    const serverProcess = new ServerProcess([
      `--model-repository=${repository.current.path}`,
      ...["http", "grpc", "metrics"].map((service) => `--${service}-port=0`),
    ]);
    await serverProcess.waitForLog("a load", (log) => (log.includes("Loading model") ? true : null));
    serverProcess.signal("SIGTERM");
    const { code, stderr } = await serverProcess.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /"Shut down"\n$/);
  });

  it("does not wait for idle connections", async () => {
    const running = await start();
    assert.equal((await running.http.get("/v2/health/ready")).status, 200);
    running.process.signal("SIGTERM");
    const { code } = await running.process.ended;
    assert.equal(code, 0);
  });

  it("refuses what waits and ends with exit code 1 when --exit-timeout-secs is over", async () => {
    const running = await start("--exit-timeout-secs=1");
    // Some four seconds of work.
    const requests = Array.from({ length: 16 }, (_, index) =>
      outcome(
        index % 2 === 0
          ? inferRowsOverHttp(running.http, "slow", [row(index)])
          : inferRowsOverGrpc(running.grpc, "slow", [row(index)]),
      ),
    );
    await waitForPending(running, 15);
    running.process.signal("SIGTERM");
    const outcomes = await Promise.all(requests);
    const { code, stderr } = await running.process.ended;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /Exit timeout expired/);
    const refused = outcomes.filter((result) => typeof result === "string");
    assert.ok(refused.length > 0 && refused.length < 16, `${refused.length} of 16 refused`);
    for (const reason of refused) assert.match(reason, /503|UNAVAILABLE|Model was ended/);
    for (const [index, result] of outcomes.entries()) {
      if (typeof result !== "string") assert.deepEqual(result, bytesOf(index));
    }
  });

  it("does not wait for a runtime that does not return", async () => {
    const running = await start("--exit-timeout-secs=1");
    const requests = [0, 1].map((seed) => outcome(inferRowsOverHttp(running.http, "endless", [row(seed)])));
    await waitForPending(running, 1, "endless");
    const startMs = performance.now();
    running.process.signal("SIGTERM");
    for (const reason of await Promise.all(requests)) assert.match(String(reason), /503.*Model was ended/);
    const { code } = await running.process.ended;
    assert.notEqual(code, 0);
    assert.ok(performance.now() - startMs < 6_000);
  });
});
